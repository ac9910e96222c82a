#include "loops.h"

#include <time.h>

#include "../../floor/floor.h"

static int64_t
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- the floor's side of things --------------------------------------------- */

static inline bool
is_floor(pp_side *side)
{
    return side->bare != NULL;
}

static inline pp_header *
floor_record(pp_side *side, PyObject *wrapper)
{
    if (PyObject_TypeCheck(wrapper, side->wrapper_type))
        return ((pp_floor_object *)wrapper)->record;
    PyErr_Format(PyExc_TypeError, "expected the floor's MyClass, not '%.200s'", Py_TYPE(wrapper)->tp_name);
    return NULL;
}

static pp_header *
header_of(pp_side *side, PyObject *wrapper)
{
    return is_floor(side) ? floor_record(side, wrapper) : pp_unwrap(side, wrapper);
}

/* ---- batches ------------------------------------------------------------------ */

int64_t
pp_loop_create(pp_side *side, int64_t n)
{
    PyObject *type = (PyObject *)side->wrapper_type;
    int64_t start = now();

    for (int64_t i = 0; i < n; i++) {
        PyObject *op = PyObject_CallNoArgs(type);
        if (op == NULL)
            return -1;
        Py_DECREF(op);
    }
    return now() - start;
}

/* Wraps the native object that ref holds (the floor: that wrapper stands for),
 * and drops the result. wrapper is compared with, never used: it may be dead. */
int64_t
pp_loop_wrap(pp_side *side, PyObject *wrapper, PyObject *ref, int64_t n, int64_t *same)
{
    pp_header *h = is_floor(side) ? header_of(side, wrapper) : ((pp_holder *)ref)->header;
    PyObject *(*wrap)(pp_side *, pp_header *) = side->wrap;
    int64_t start, found = 0;

    if (h == NULL)
        return -1;
    start = now();
    for (int64_t i = 0; i < n; i++) {
        PyObject *op = wrap(side, h);
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
pp_loop_wrap_first(pp_side *side, int64_t n)
{
    pp_header **h = PyMem_New(pp_header *, n);
    PyObject **op = PyMem_New(PyObject *, n);
    int64_t i, made = 0, taken = -1, start;

    if (h == NULL || op == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (i = 0; i < n; i++)
        h[i] = pp_new_native(side);
    start = now();
    for (; made < n; made++)
        if ((op[made] = side->wrap(side, h[made])) == NULL)
            break;
    if (made == n)
        taken = now() - start;
    for (i = 0; i < made; i++)
        Py_DECREF(op[i]);
    for (i = 0; i < n; i++)
        pp_release(side, h[i]);
done:
    PyMem_Free(h);
    PyMem_Free(op);
    return taken;
}

/* Python -> native and a native reference, which is given back. The caller sees
 * to it that it is never the last beside the wrapper's own. */
int64_t
pp_loop_unwrap(pp_side *side, PyObject *wrapper, int64_t n)
{
    int64_t start = now();

    if (is_floor(side)) {
        for (int64_t i = 0; i < n; i++) {
            pp_header *volatile found = floor_record(side, wrapper);
            if (found == NULL)
                return -1;
            Py_INCREF(found->wrapper);
            Py_DECREF(found->wrapper);
        }
    }
    else {
        for (int64_t i = 0; i < n; i++) {
            pp_header *h = pp_unwrap(side, wrapper);
            if (h == NULL)
                return -1;
            pp_retain(side, h);
            pp_release(side, h);
        }
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
pp_loop_retain_release(pp_side *side, PyObject *wrapper, int64_t n)
{
    pp_header *h = header_of(side, wrapper);
    int64_t start = now();

    if (h == NULL)
        return -1;
    if (is_floor(side)) {
        for (int64_t i = 0; i < n; i++) {
            PyObject *volatile held = h->wrapper;
            Py_INCREF(held);
            Py_DECREF(held);
        }
    }
    else {
        for (int64_t i = 0; i < n; i++) {
            pp_retain(side, h);
            pp_release(side, h);
        }
    }
    return now() - start;
}

int64_t
pp_loop_release_zombie(pp_side *side, int64_t n)
{
    void **held = PyMem_New(void *, n);
    int64_t taken = -1;

    if (held == NULL)
        PyErr_NoMemory();
    else if (pp_hold(side, held, n) == 0) {
        int64_t start = now();
        pp_let_go(side, held, n);
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

/* The floor knows no native reference: what is held is the wrapper. */
int
pp_hold(pp_side *side, void **held, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        PyObject *op = PyObject_CallNoArgs((PyObject *)side->wrapper_type);
        pp_header *h = op ? header_of(side, op) : NULL;

        if (h == NULL) {
            Py_XDECREF(op);
            pp_let_go(side, held, i);
            return -1;
        }
        if (is_floor(side))
            held[i] = op;
        else {
            pp_retain(side, h);
            Py_DECREF(op);
            held[i] = h;
        }
    }
    return 0;
}

void
pp_let_go(pp_side *side, void **held, int64_t n)
{
    if (is_floor(side)) {
        for (int64_t i = 0; i < n; i++)
            Py_DECREF((PyObject *)held[i]);
    }
    else {
        for (int64_t i = 0; i < n; i++)
            pp_release(side, held[i]);
    }
}

/* Of the floor only, and without the GIL: each reference is a Python reference, which
 * comes and goes with the GIL. */
void
pp_floor_retain_release(void *held, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        PyGILState_STATE state = PyGILState_Ensure();
        Py_INCREF((PyObject *)held);
        PyGILState_Release(state);
        state = PyGILState_Ensure();
        Py_DECREF((PyObject *)held);
        PyGILState_Release(state);
    }
}

void
pp_floor_release(void **held, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        PyGILState_STATE state = PyGILState_Ensure();
        Py_DECREF((PyObject *)held[i]);
        PyGILState_Release(state);
    }
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
