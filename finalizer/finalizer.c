/* Resurrection from PEP 442's tp_finalize. In Python:
 *
 *     class MyClass:
 *         def __del__(self):
 *             if self.native.refs > 1:
 *                 self.native.python_ref = self      # come back
 *
 *     def wrap(native):
 *         return take(native.python_ref) or native.wrapper or MyClass(native)
 *
 * What everybody tries first, because no slot has to be replaced. */
#include "../internal/wrapper/wrapper.h"

/* pp_header.state */
enum {
    PYTHON_OWNS = 0,
    NATIVE_OWNS = 1, /* one Python reference of the wrapper is the native object's */
};

extern pp_side pp_finalizer;

/* native -> Python. The map entry of a wrapper that is being torn down, which has
 * no references, does not count. */
static PyObject *
finalizer_wrap(pp_side *side, pp_header *h)
{
    if (h->wrapper == NULL || Py_REFCNT(h->wrapper) == 0)
        return pp_new_wrapper(side, h);
    if (h->state == NATIVE_OWNS) {
        h->state = PYTHON_OWNS;
        side->resurrections++;
    }
    else
        Py_INCREF(h->wrapper);
    return h->wrapper;
}

static void
finalizer_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    PP_HEADER(self) = h;
    pp_set_wrapper(h, self);
}

static void
finalizer_last(pp_side *side, pp_header *h)
{
    if (h->state == NATIVE_OWNS) {
        h->state = PYTHON_OWNS;
        Py_DECREF(h->wrapper);
    }
}

/* tp_finalize: come back if native code holds the object. CPython calls it once
 * in an object's life, and a subclass's __del__ takes its place. */
static void
finalizer_finalize(PyObject *self)
{
    pp_header *h = PP_HEADER(self);
    if (h && h->wrapper == self && h->state == PYTHON_OWNS && pp_refs(h) > 1) {
        h->state = NATIVE_OWNS;
        Py_INCREF(self);
        pp_finalizer.flips++;
    }
}

/* tp_dealloc: CPython's slot for subclasses has called tp_finalize already; for
 * MyClass itself that is up to us. */
static void
finalizer_dealloc(PyObject *self)
{
    if (PyObject_CallFinalizerFromDealloc(self) == 0)
        pp_plain_dealloc(self);
}

static void
finalizer_dying(pp_side *side, PyObject *self)
{
    pp_header *h = PP_HEADER(self);
    if (h && h->wrapper == self)
        pp_set_wrapper(h, NULL);
}

pp_side pp_finalizer = {
    .name = "finalizer",
    .wrap = finalizer_wrap,
    .adopt = finalizer_adopt,
    .last = finalizer_last,
    .dying = finalizer_dying,
    .drop = pp_drop_reference,
    .dealloc = finalizer_dealloc,
    .finalize = finalizer_finalize,
};
