/* pyobject_preservation._core: the extension module. The package around it,
 * pyobject_preservation, is what users import.
 *
 *     _core.declarations()   # JSON: what each strategy says about itself
 *     _core.strategy(name)   # the strategy's module
 */
#include "core.h"

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
    if (loaded) {
        PyErr_SetString(PyExc_ImportError,
                        "pyobject_preservation cannot be loaded twice in one process");
        return -1;
    }
    ppGoWatchForks();
    if (core_fork_init() < 0)
        return -1;
    atexit = PyImport_ImportModule("atexit");
    disarm = atexit ? PyObject_GetAttrString(module, "_disarm") : NULL;
    result = disarm ? PyObject_CallMethod(atexit, "register", "O", disarm) : NULL;
    Py_XDECREF(atexit);
    Py_XDECREF(disarm);
    Py_XDECREF(result);
    loaded = result != NULL; /* an import that failed for want of memory may be tried again */
    return loaded ? 0 : -1;
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
    if (wrong) {
        PyErr_Format(PyExc_ImportError, "pyobject_preservation was %s", wrong);
        return NULL;
    }
    return PyModuleDef_Init(&core_def);
}
