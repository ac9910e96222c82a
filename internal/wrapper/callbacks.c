/* A Python function that a native object holds, and calls when an event reaches it.
 *
 * It stands beside the headers, not in them: few objects have one. The reference is
 * the native object's, and goes with it, wherever that dies. */
#include "methods.h"

/* In the memory of the slab that the header is in: see newSlab in headers.go. */
static inline PyObject **
slot_of(pp_header *h)
{
    uintptr_t slab = (uintptr_t)h & ~(uintptr_t)(PP_SLAB_BYTES - 1);
    size_t i = h - (pp_header *)slab;

    return (PyObject **)(slab + PP_SLAB_BYTES) + i;
}

PyObject *
pp_callback(pp_header *h)
{
    return pp_flag(h, PP_HAS_CALLBACK) ? *slot_of(h) : NULL;
}

PyObject *
pp_take_callback(pp_header *h)
{
    PyObject *callback = pp_callback(h);

    if (callback)
        atomic_fetch_and(&h->flags, ~PP_HAS_CALLBACK);
    return callback;
}

PyObject *
pp_wrapper_set_callback(PyObject *self, PyObject *callback)
{
    pp_header *h = pp_native(self);
    PyObject *old;

    if (h == NULL)
        return NULL;
    if (callback != Py_None && !PyCallable_Check(callback))
        return PyErr_Format(PyExc_TypeError, "callback must be callable or None, not '%.200s'",
                            Py_TYPE(callback)->tp_name);
    old = pp_take_callback(h);
    if (callback != Py_None) {
        Py_INCREF(callback);
        *slot_of(h) = callback;
        /* As if it had a body: it must be finished off at once. */
        atomic_fetch_or(&h->flags, PP_HAS_CALLBACK | PP_HAS_BODY);
    }
    Py_XDECREF(old); /* may run any code */
    Py_RETURN_NONE;
}

/* The native object of a wrapper that gc looks at, if that has a callback. */
static inline pp_header *
with_callback(PyObject *self)
{
    const pp_strategy *strategy = PP_WRAPPER(self)->strategy;
    pp_header *h = strategy && !strategy->lookup ? PP_HEADER(self) : NULL;

    return h && pp_flag(h, PP_HAS_CALLBACK) ? h : NULL;
}

int
pp_visit_callback(PyObject *self, visitproc visit, void *arg)
{
    pp_header *h = with_callback(self);

    if (h)
        Py_VISIT(*slot_of(h));
    return 0;
}

void
pp_clear_callback(PyObject *self)
{
    pp_header *h = with_callback(self);

    if (h)
        Py_XDECREF(pp_take_callback(h));
}

int
pp_visit_own_callback(PyObject *self, visitproc visit, void *arg)
{
    pp_header *h = with_callback(self);

    if (h && pp_refs(h) == 1)
        Py_VISIT(*slot_of(h));
    return 0;
}

void
pp_clear_own_callback(PyObject *self)
{
    pp_header *h = with_callback(self);

    if (h && pp_refs(h) == 1)
        Py_XDECREF(pp_take_callback(h));
}
