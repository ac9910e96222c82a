/* A Python function that a native object holds, and calls when an event reaches it.
 *
 * It is stored beside the headers, because few objects have one. The native object
 * owns the reference and releases it when it dies, on whatever thread. */
#include "methods.h"

static inline PyObject **
slot_of(pp_header *h)
{
    uint32_t i;
    pp_slab *slab = pp_slab_of(h, &i);

    return &slab->callbacks[i];
}

PyObject *
pp_callback(pp_header *h)
{
    PyObject *callback = NULL;

    if (!pp_flag(h, PP_HAS_CALLBACK))
        return NULL;
    lt_lock(&h->slot);
    if (pp_flag(h, PP_HAS_CALLBACK)) {
        callback = *slot_of(h);
        Py_INCREF(callback);
    }
    lt_unlock(&h->slot);
    return callback;
}

/* Replace the callback by another, or NULL. Both references are the caller's. */
static PyObject *
exchange(pp_header *h, PyObject *callback)
{
    PyObject *old = NULL;

    lt_lock(&h->slot);
    if (pp_flag(h, PP_HAS_CALLBACK))
        old = *slot_of(h);
    *slot_of(h) = callback;
    if (callback) /* as if it had a body: it must be destroyed at once */
        atomic_fetch_or(&h->flags, PP_HAS_CALLBACK | PP_HAS_BODY);
    else if (old)
        atomic_fetch_and(&h->flags, ~PP_HAS_CALLBACK);
    lt_unlock(&h->slot);
    return old;
}

PyObject *
pp_take_callback(pp_header *h)
{
    return pp_flag(h, PP_HAS_CALLBACK) ? exchange(h, NULL) : NULL;
}

PyObject *
pp_wrapper_set_callback(PyObject *self, PyObject *callback)
{
    pp_header *h = pp_native(self);
    PyObject *old;

    if (h == NULL)
        return NULL;
    if (callback != Py_None && !PyCallable_Check(callback)) {
        PyErr_Format(PyExc_TypeError, "callback must be callable or None, not '%.200s'",
                     Py_TYPE(callback)->tp_name);
        pp_done(PP_WRAPPER(self)->strategy, h);
        return NULL;
    }
    if (callback != Py_None) {
        Py_INCREF(callback);
        old = exchange(h, callback);
    }
    else
        old = pp_take_callback(h);
    pp_done(PP_WRAPPER(self)->strategy, h);
    Py_XDECREF(old); /* may run any code */
    Py_RETURN_NONE;
}

int
pp_visit_callback_of(pp_header *h, visitproc visit, void *arg)
{
    Py_VISIT(*slot_of(h));
    return 0;
}

void
pp_clear_callback(PyObject *self)
{
    pp_header *h = pp_with_callback(self);

    if (h) {
        PyObject *callback = pp_take_callback(h);
        Py_XDECREF(callback);
    }
}

void
pp_clear_own_callback(PyObject *self)
{
    pp_header *h = pp_with_callback(self);

    if (h && pp_refs(h) == 1) {
        PyObject *callback = pp_take_callback(h);
        Py_XDECREF(callback);
    }
}
