/* pyobject_preservation._core: the extension module. The package around it,
 * pyobject_preservation, is what users import.
 *
 *     _core.declarations()   # JSON: what each strategy says about itself
 *     _core.strategy(name)   # the strategy's module
 */
#include "core.h"

#include <stdatomic.h>

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
    int known = 0;
    PyObject *result = text ? ppGoModule((char *)text, &known) : NULL;

    if (result || PyErr_Occurred())
        return result;
    if (known) /* CPython does not always say so */
        return PyErr_NoMemory();
    return PyErr_Format(PyExc_ValueError, "no strategy is called %R", name);
}

static PyMethodDef functions[] = {
    {"declarations", core_declarations, METH_NOARGS,
     "declarations($module, /)\n--\n\nWhat each strategy says about itself, as JSON."},
    {"strategy", core_strategy, METH_O,
     "strategy($module, name, /)\n--\n\nThe module of the strategy called name."},
    {NULL},
};

/* ---- loading ------------------------------------------------------------------------ */

/* The interpreter that this was loaded into is being finalized, or is gone. */
static _Atomic int ended;

/* atexit: from now on Go's threads cannot attach, and native objects are released without
 * notifying the interpreter. Not Py_AtExit, which runs after finalization. */
static PyObject *
core_disarm(PyObject *self, PyObject *unused)
{
    atomic_store(&ended, 1);
    pp_gil_close();
    ppGoDisarm();
    Py_RETURN_NONE;
}

static PyMethodDef disarm = {"disarm", core_disarm, METH_NOARGS, NULL};
static PyMethodDef before_fork = {"before_fork", core_before_fork, METH_NOARGS, NULL};
static PyMethodDef after_fork = {"after_fork", core_after_fork, METH_NOARGS, NULL};

static int
register_atexit(void)
{
    PyObject *atexit = PyImport_ImportModule("atexit");
    PyObject *function = atexit ? PyCFunction_New(&disarm, NULL) : NULL;
    PyObject *result = function ? PyObject_CallMethod(atexit, "register", "O", function) : NULL;

    Py_XDECREF(atexit);
    Py_XDECREF(function);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static int
register_at_fork(void)
{
    PyObject *os = PyImport_ImportModule("os");
    PyObject *function = NULL, *before = NULL, *after = NULL, *names = NULL, *result = NULL;

    if (os && !PyObject_HasAttrString(os, "register_at_fork")) {
        Py_DECREF(os);
        return 0;
    }
    if (os && (function = PyObject_GetAttrString(os, "register_at_fork")) &&
        (before = PyCFunction_New(&before_fork, NULL)) &&
        (after = PyCFunction_New(&after_fork, NULL)) &&
        (names = Py_BuildValue("(ss)", "before", "after_in_parent")))
        result = PyObject_Vectorcall(function, (PyObject *[]){before, after}, 0, names);
    Py_XDECREF(os);
    Py_XDECREF(function);
    Py_XDECREF(before);
    Py_XDECREF(after);
    Py_XDECREF(names);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* Registrations are for the process, not for a module object: a module is loaded again after
 * a failure half-way, or after its removal from sys.modules. Two threads that load it at
 * once may do a step twice; the registered functions allow that. */
static int
once(_Atomic int *done, int (*step)(void))
{
    if (!atomic_load(done)) {
        if (step() < 0)
            return -1;
        atomic_store(done, 1);
    }
    return 0;
}

static int
core_exec(PyObject *module)
{
    static _Atomic int exit_registered, fork_registered;

    /* Native objects, their wrappers and the counters exist once a process.
     * CPython 3.12 and later refuse by the slot below. */
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(
            PyExc_ImportError,
            "pyobject_preservation cannot be imported into a subinterpreter: its native "
            "objects belong to the main interpreter");
        return -1;
    }
    if (atomic_load(&ended)) {
        PyErr_SetString(
            PyExc_ImportError,
            "pyobject_preservation cannot be loaded again after the interpreter that it was "
            "loaded into has exited: its classes and native objects belong to that one");
        return -1;
    }
    ppGoWatchForks();
    if (once(&exit_registered, register_atexit) < 0)
        return -1;
    return once(&fork_registered, register_at_fork);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, core_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
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

    core_restore_signals();
    if (wrong) {
        PyErr_Format(PyExc_ImportError, "pyobject_preservation was %s", wrong);
        return NULL;
    }
    return PyModuleDef_Init(&core_def);
}
