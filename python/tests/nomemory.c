/* nomemory: make allocations of CPython fail, one after the other.
 *
 * _testcapi.set_nomemory does the same, but not every build has it, it does not tell whether
 * a failure was reached, and it fails the allocations of every thread.
 *
 * call(function, first, last) -> (failed, result, exception)
 *     Call function() while the allocations first to last of this thread, counted from 0, fail.
 *     failed is their number. One of result and exception is None. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

static PyMemAllocatorEx real[3]; /* of PYMEM_DOMAIN_RAW, _MEM, _OBJ */

static _Thread_local struct {
    bool armed;
    Py_ssize_t count, first, last, failed;
} mine;

static bool
fails(void)
{
    Py_ssize_t n;

    if (!mine.armed)
        return false;
    n = mine.count++;
    if (n < mine.first || n > mine.last)
        return false;
    mine.failed++;
    return true;
}

static void *
hook_malloc(void *domain, size_t size)
{
    PyMemAllocatorEx *to = domain;
    return fails() ? NULL : to->malloc(to->ctx, size);
}

static void *
hook_calloc(void *domain, size_t n, size_t size)
{
    PyMemAllocatorEx *to = domain;
    return fails() ? NULL : to->calloc(to->ctx, n, size);
}

static void *
hook_realloc(void *domain, void *old, size_t size)
{
    PyMemAllocatorEx *to = domain;
    return fails() ? NULL : to->realloc(to->ctx, old, size);
}

static void
hook_free(void *domain, void *old)
{
    PyMemAllocatorEx *to = domain;
    to->free(to->ctx, old);
}

static PyObject *
call(PyObject *module, PyObject *args)
{
    PyObject *function, *result, *type = NULL, *value = NULL, *tb = NULL, *answer;
    Py_ssize_t first, last, failed;

    if (!PyArg_ParseTuple(args, "Onn", &function, &first, &last))
        return NULL;
    mine.count = mine.failed = 0;
    mine.first = first;
    mine.last = last;
    mine.armed = true;
    result = PyObject_CallNoArgs(function);
    mine.armed = false;
    failed = mine.failed;
    if (result == NULL) {
        PyErr_Fetch(&type, &value, &tb);
        PyErr_NormalizeException(&type, &value, &tb);
        if (tb)
            PyException_SetTraceback(value, tb);
    }
    answer = Py_BuildValue("(nOO)", failed, result ? result : Py_None, value ? value : Py_None);
    Py_XDECREF(result);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(tb);
    return answer;
}

static PyMethodDef functions[] = {{"call", call, METH_VARARGS, NULL}, {0}};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "nomemory", .m_size = -1,
                                        .m_methods = functions};

PyMODINIT_FUNC
PyInit_nomemory(void)
{
    static const PyMemAllocatorDomain domains[] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM,
                                                   PYMEM_DOMAIN_OBJ};
    PyObject *module = PyModule_Create(&definition);

#ifdef Py_GIL_DISABLED
    if (module)
        PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    for (int i = 0; module && i < 3; i++) {
        PyMemAllocatorEx hook = {&real[i], hook_malloc, hook_calloc, hook_realloc, hook_free};
        PyMem_GetAllocator(domains[i], &real[i]);
        PyMem_SetAllocator(domains[i], &hook);
    }
    return module;
}
