/* A counted Python reference, held by native code whenever it holds the object.
 * In Python the idea would be:
 *
 *     def first(native):                  # native references: the wrapper's, and now another
 *         native.python_ref = native.wrapper
 *     def last(native):                   # the wrapper's own is the only one again
 *         del native.python_ref
 *
 *     def wrap(native):
 *         return native.wrapper or MyClass(native)
 *
 * The wrapper never dies while native code holds the object, so tp_dealloc has
 * nothing to decide, subclasses keep CPython's own slots, and gc knows of the
 * reference from the start.
 *
 * How many Python references native code holds on a wrapper: one for each holder
 * that gc can see, or one for all when there are only others. So each holder has
 * a reference of its own to show to gc. */
#include "toggleref.h"

/* native -> Python: the wrapper is there, or it is the first. */
PyObject *
pp_toggleref_wrap(pp_side *side, pp_header *h)
{
    if (h->wrapper == NULL)
        return pp_new_wrapper(side, h);
    Py_INCREF(h->wrapper);
    return h->wrapper;
}

/* The wrapper's reference is counted already; take what native code needs for
 * the others. */
void
pp_toggleref_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    uint32_t n = h->holders ? h->holders : pp_refs(h) > 1;

    PP_HEADER(self) = h;
    pp_set_wrapper(h, self);
    while (n--)
        Py_INCREF(self);
}

void
pp_toggleref_first(pp_side *side, pp_header *h)
{
    Py_INCREF(h->wrapper);
}

void
pp_toggleref_last(pp_side *side, pp_header *h)
{
    Py_DECREF(h->wrapper);
}

/* The first holder takes over the reference that is there for all. */
void
pp_toggleref_holder_made(pp_side *side, pp_header *h)
{
    if (h->wrapper && h->holders > 1)
        Py_INCREF(h->wrapper);
}

void
pp_toggleref_holder_gone(pp_side *side, pp_header *h)
{
    if (h->wrapper && h->holders > 0)
        Py_DECREF(h->wrapper);
}

/* A holder's tp_traverse: its reference to the wrapper, if all native references
 * are holders'. If others hold the object too, the wrapper must look referenced
 * from outside, and does when nobody shows gc where its references come from. */
int
pp_toggleref_visit(pp_side *side, PyObject *holder, pp_header *h, visitproc visit, void *arg)
{
    if (h->wrapper && pp_refs(h) == 1 + (int64_t)h->holders)
        Py_VISIT(h->wrapper);
    return 0;
}

/* The wrapper dies: nobody else holds the object. */
void
pp_toggleref_drop(pp_side *side, PyObject *self)
{
    pp_header *h = PP_HEADER(self);
    if (h) {
        pp_set_wrapper(h, NULL);
        pp_release(side, h);
    }
}

pp_side pp_toggleref = {
    .name = "toggleref",
    .wrap = pp_toggleref_wrap,
    .adopt = pp_toggleref_adopt,
    .first = pp_toggleref_first,
    .last = pp_toggleref_last,
    .holder_made = pp_toggleref_holder_made,
    .holder_gone = pp_toggleref_holder_gone,
    .visit = pp_toggleref_visit,
    .drop = pp_toggleref_drop,
    .inseparable = true,
};
