#include "loops.h"

#include <time.h>

static int64_t
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- batches ------------------------------------------------------------------ */

int64_t
pp_loop_create(const pp_strategy *strategy, int64_t n)
{
    PyObject *type = (PyObject *)strategy->state->wrapper_type;
    int64_t start = now();

    for (int64_t i = 0; i < n; i++) {
        PyObject *op = PyObject_CallNoArgs(type);
        if (op == NULL)
            return -1;
        Py_DECREF(op);
    }
    return now() - start;
}

int64_t
pp_loop_create_list(const pp_strategy *strategy, int64_t n)
{
    PyObject *type = (PyObject *)strategy->state->wrapper_type;
    int64_t start = now();
    PyObject *list = PyList_New(n);

    if (list == NULL)
        return -1;
    for (int64_t i = 0; i < n; i++) {
        PyObject *op = PyObject_CallNoArgs(type);
        if (op == NULL) {
            Py_DECREF(list);
            return -1;
        }
        PyList_SET_ITEM(list, i, op);
    }
    Py_DECREF(list);
    return now() - start;
}

int64_t
pp_loop_replace(const pp_strategy *strategy, PyObject *kept, PyObject *indices)
{
    PyObject *type = (PyObject *)strategy->state->wrapper_type;
    int64_t n = PyList_GET_SIZE(indices), start = now();

    for (int64_t i = 0; i < n; i++) {
        PyObject *op = PyObject_CallNoArgs(type);
        if (op == NULL || PyList_SetItem(kept, PyLong_AsSsize_t(PyList_GET_ITEM(indices, i)), op))
            return -1;
    }
    return now() - start;
}

/* Wraps the native object that ref holds, and drops the result. wrapper is compared with,
 * never used: it may be dead. */
int64_t
pp_loop_wrap(const pp_strategy *strategy, PyObject *wrapper, PyObject *ref, int64_t n,
             int64_t *same)
{
    pp_header *h = ((pp_holder *)ref)->header;
    PyObject *(*wrap)(pp_header *) = strategy->wrap;
    int64_t start, found = 0;

    if (h == NULL)
        return -1;
    start = now();
    for (int64_t i = 0; i < n; i++) {
        PyObject *op = wrap(h);
        if (op == NULL)
            return -1;
        found += op == wrapper;
        Py_DECREF(op);
    }
    start = now() - start;
    *same = found;
    return start;
}

/* The native objects are made before and released after; so are the wrappers
 * dropped, so that only the first wrap is timed. */
int64_t
pp_loop_wrap_first(const pp_strategy *strategy, int64_t n)
{
    pp_header **h = PyMem_New(pp_header *, n);
    PyObject **op = PyMem_New(PyObject *, n);
    int64_t i, made = 0, taken = -1, start;

    if (h == NULL || op == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (i = 0; i < n; i++)
        h[i] = pp_new_native(strategy->state);
    start = now();
    for (; made < n; made++)
        if ((op[made] = strategy->wrap(h[made])) == NULL)
            break;
    if (made == n)
        taken = now() - start;
    for (i = 0; i < made; i++)
        Py_DECREF(op[i]);
    for (i = 0; i < n; i++)
        strategy->release(h[i]);
done:
    PyMem_Free(h);
    PyMem_Free(op);
    return taken;
}

/* Python -> native and a native reference, which is released. The caller ensures that it is
 * never the last beside the wrapper's. */
int64_t
pp_loop_unwrap(const pp_strategy *strategy, PyObject *wrapper, int64_t n)
{
    int64_t start = now();

    for (int64_t i = 0; i < n; i++) {
        pp_header *h = pp_unwrap(strategy, wrapper);
        if (h == NULL)
            return -1;
        if (!strategy->lookup) /* else the look-up has taken it */
            strategy->retain(h);
        strategy->release(h);
    }
    return now() - start;
}

int64_t
pp_loop_call(PyObject *object, const char *method, int64_t n)
{
    PyObject *name = PyUnicode_InternFromString(method);
    int64_t start;

    if (name == NULL)
        return -1;
    start = now();
    for (int64_t i = 0; i < n; i++) {
        PyObject *result = PyObject_CallMethodNoArgs(object, name);
        if (result == NULL) {
            start = -1;
            break;
        }
        Py_DECREF(result);
    }
    Py_DECREF(name);
    return start < 0 ? -1 : now() - start;
}

int64_t
pp_loop_call_one(PyObject *object, const char *method, int64_t argument, int64_t n)
{
    PyObject *name = PyUnicode_InternFromString(method), *arg = PyLong_FromLongLong(argument);
    int64_t start = name && arg ? now() : -1;

    for (int64_t i = 0; start >= 0 && i < n; i++) {
        PyObject *result = PyObject_CallMethodOneArg(object, name, arg);
        if (result == NULL)
            start = -1;
        Py_XDECREF(result);
    }
    if (start >= 0)
        start = now() - start;
    Py_XDECREF(name);
    Py_XDECREF(arg);
    return start;
}

/* The 1<->2 edge: wrapper owns the one native reference there is. */
int64_t
pp_loop_retain_release(const pp_strategy *strategy, PyObject *wrapper, int64_t n)
{
    pp_header *h = pp_unwrap(strategy, wrapper);
    int64_t start;

    if (h == NULL)
        return -1;
    pp_done(strategy, h); /* the wrapper keeps it */
    start = now();
    for (int64_t i = 0; i < n; i++) {
        strategy->retain(h);
        strategy->release(h);
    }
    return now() - start;
}

int64_t
pp_loop_release_zombie(const pp_strategy *strategy, int64_t n)
{
    void **held = PyMem_New(void *, n);
    int64_t taken = -1;

    if (held == NULL)
        PyErr_NoMemory();
    else if (pp_hold(strategy, held, n) == 0) {
        int64_t start = now();
        pp_let_go(strategy, held, n);
        taken = now() - start;
    }
    PyMem_Free(held);
    return taken;
}

int64_t
pp_loop_invoke(PyObject *callable, int64_t n, int64_t *none)
{
    int64_t start = now(), nothing = 0;

    for (int64_t i = 0; i < n; i++) {
        PyObject *result = PyObject_CallNoArgs(callable);
        if (result == NULL)
            return -1;
        nothing += result == Py_None;
        Py_DECREF(result);
    }
    start = now() - start;
    *none = nothing;
    return start;
}

/* ---- native objects held from outside Python ------------------------------------ */

int
pp_hold(const pp_strategy *strategy, void **held, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        PyObject *op = PyObject_CallNoArgs((PyObject *)strategy->state->wrapper_type);
        pp_header *h = op ? pp_unwrap(strategy, op) : NULL;

        if (h && !strategy->lookup)
            strategy->retain(h);
        Py_XDECREF(op);
        if (h == NULL) {
            pp_let_go(strategy, held, i);
            return -1;
        }
        held[i] = h;
    }
    return 0;
}

void
pp_let_go(const pp_strategy *strategy, void **held, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        strategy->release(held[i]);
}

int64_t
pp_call_int(PyObject *callable)
{
    PyObject *result = PyObject_CallNoArgs(callable);
    int64_t value = result ? PyLong_AsLongLong(result) : -1;

    Py_XDECREF(result);
    return value;
}

const char *
pp_compiler(void)
{
#ifdef __clang__
    return __VERSION__;
#else
    return "gcc " __VERSION__;
#endif
}
