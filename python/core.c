/* pyobject_preservation._core: the extension module. The package around it,
 * pyobject_preservation, is what users import.
 *
 *     _core.declarations()   # JSON: what each strategy says about itself
 *     _core.strategy(name)   # the strategy's module
 */
#include "../internal/cpython/python.h"

#include <time.h>
#ifdef __linux__
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "_cgo_export.h"

static PyObject *
core_declarations(PyObject *module, PyObject *unused)
{
    char *text = ppGoDeclarations();
    PyObject *result = PyUnicode_FromString(text);
    free(text);
    return result;
}

static PyObject *
core_strategy(PyObject *module, PyObject *name)
{
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    PyObject *result = text ? ppGoModule((char *)text) : NULL;

    if (result == NULL && !PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "no strategy is called %R", name);
    return result;
}

/* From here on the interpreter goes away: native objects that outlive it are
 * released without telling it. An atexit function, because Py_AtExit would be
 * called when it is already gone. */
static PyObject *
core_disarm(PyObject *module, PyObject *unused)
{
    ppGoDisarm();
    Py_RETURN_NONE;
}

/* Around os.fork(). The child has one thread, and Go's collector needs others: it is
 * turned off before and stays off in the child. So there is nothing to do there when it
 * forks again. The lock is held from before to after: another thread that prepared a
 * fork of its own meanwhile would stop Go's world in the child, with nobody to start it
 * again. */
static PyThread_type_lock forking;

/* Whether a thread of this process, other than ours, is running. */
static int
others_run(void)
{
    int running = 0;
#ifdef __linux__
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    pid_t me = (pid_t)syscall(SYS_gettid);

    while (tasks && (entry = readdir(tasks)) != NULL) {
        char path[64], text[128] = "", *state;
        int fd;
        if (entry->d_name[0] == '.' || atoi(entry->d_name) == me)
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%.16s/stat", entry->d_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (read(fd, text, sizeof text - 1) > 0 && (state = strrchr(text, ')')) != NULL)
            running |= state[1] == ' ' && state[2] == 'R';
        close(fd);
    }
    if (tasks)
        closedir(tasks);
#endif
    return running;
}

/* Until Go's threads have looked for work, found none and gone to sleep: one that was
 * still at it would hold a lock of the scheduler in the child for ever. Sleeping in Go
 * would wake one. Looks with the GIL, so that Python's threads are asleep, too; but what
 * they do without it may take as long as it likes, so there is an end. */
static void
wait_for_quiet(void)
{
    for (int i = 0, quiet = 0; i < 500 && quiet < 3; i++) {
        Py_BEGIN_ALLOW_THREADS
        nanosleep(&(struct timespec){0, 200000}, NULL);
        Py_END_ALLOW_THREADS
        quiet = others_run() ? 0 : quiet + 1;
    }
}

static PyObject *
core_before_fork(PyObject *module, PyObject *unused)
{
    if (ppGoForked())
        Py_RETURN_NONE;
    Py_BEGIN_ALLOW_THREADS
    PyThread_acquire_lock(forking, WAIT_LOCK);
    ppGoBeforeFork();
    Py_END_ALLOW_THREADS
    wait_for_quiet();
    Py_RETURN_NONE;
}

static PyObject *
core_after_fork(PyObject *module, PyObject *unused)
{
    if (ppGoForked())
        Py_RETURN_NONE;
    ppGoAfterFork();
    PyThread_release_lock(forking);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"declarations", core_declarations, METH_NOARGS,
     "declarations($module, /)\n--\n\nWhat each strategy says about itself, as JSON."},
    {"strategy", core_strategy, METH_O,
     "strategy($module, name, /)\n--\n\nThe module of the strategy called name."},
    {"_disarm", core_disarm, METH_NOARGS,
     "_disarm($module, /)\n--\n\nEnd the connection with Python; called at exit."},
    {"_before_fork", core_before_fork, METH_NOARGS,
     "_before_fork($module, /)\n--\n\nTurn Go's garbage collector off."},
    {"_after_fork", core_after_fork, METH_NOARGS,
     "_after_fork($module, /)\n--\n\nTurn Go's garbage collector on again, in the parent."},
    {NULL},
};

static int
core_exec(PyObject *module)
{
    static int loaded;
    PyObject *atexit, *disarm, *result;

    /* Native objects, their wrappers and the counters exist once a process.
     * CPython 3.12 and later refuse by the slot below. */
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError,
                        "pyobject_preservation cannot be imported into a subinterpreter: its native "
                        "objects belong to the main interpreter");
        return -1;
    }
#ifdef Py_GIL_DISABLED
    {
        /* CPython turns the GIL on for a module that does not declare otherwise, unless
         * it was told not to; then nothing here would be safe. */
        PyObject *flags = PySys_GetObject("flags");
        PyObject *gil = flags ? PyObject_GetAttrString(flags, "gil") : NULL;
        int off = gil && PyLong_Check(gil) && PyLong_AsLong(gil) == 0;

        Py_XDECREF(gil);
        PyErr_Clear();
        if (off) {
            PyErr_SetString(PyExc_ImportError,
                            "pyobject_preservation needs the GIL, which PYTHON_GIL=0 or -X gil=0 "
                            "keeps off; leave that away, and importing it turns the GIL on");
            return -1;
        }
    }
#endif
    if (loaded) {
        PyErr_SetString(PyExc_ImportError,
                        "pyobject_preservation cannot be loaded twice in one process");
        return -1;
    }
    loaded = 1;
    ppGoWatchForks();
    forking = PyThread_allocate_lock();
    if (forking == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    atexit = PyImport_ImportModule("atexit");
    disarm = atexit ? PyObject_GetAttrString(module, "_disarm") : NULL;
    result = disarm ? PyObject_CallMethod(atexit, "register", "O", disarm) : NULL;
    Py_XDECREF(atexit);
    Py_XDECREF(disarm);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, core_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef core_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pyobject_preservation._core",
    .m_doc = "The native part of pyobject_preservation.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__core(void)
{
    const char *wrong = pp_check_runtime();
    if (wrong) {
        PyErr_Format(PyExc_ImportError, "pyobject_preservation was %s", wrong);
        return NULL;
    }
    return PyModuleDef_Init(&core_def);
}
