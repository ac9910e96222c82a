/* Full preservation. In Python the idea would be:
 *
 *     class MyClass:
 *         def __dealloc__(self):                 # no more Python references
 *             if self.native.refs > 1:           # native code holds it: flip
 *                 self.native.owns_wrapper = True
 *                 resurrect(self)                # its one reference is the native object's
 *             else:
 *                 die(self)                      # __del__, weakrefs, slots, dict, native object
 *
 *     def wrap(native):
 *         if native.owns_wrapper:                # flip back
 *             native.owns_wrapper = False
 *             return native.wrapper              # with the reference the native object had
 *         return native.wrapper or new_wrapper(native)
 *
 *     def last(native):                          # native code lets go
 *         if native.owns_wrapper:
 *             native.owns_wrapper = False
 *             del native.wrapper                 # __dealloc__, or somebody's weakref got there first
 *
 * These slots are those of every Python subclass too (owns_subclasses):
 * CPython's own for subclasses clear weak references, slots and dict before they
 * call a base's tp_dealloc, which is too late to keep them. */
#include "preserve.h"

/* pp_header.state: who owns the wrapper. */
enum {
    PYTHON_OWNS = 0,
    NATIVE_OWNS = 1, /* the wrapper is a zombie: one of its Python references is the object's */
};

/* Whether anybody beside the wrapper holds the native object. With the GIL a yes
 * stays a yes: the last other reference is only ever dropped with the GIL. */
static inline bool
held_natively(pp_header *h)
{
    return h && pp_refs(h) > 1;
}

/* ---- the flip ------------------------------------------------------------ */

static void
flip(PyObject *self, pp_header *h)
{
    h->state = NATIVE_OWNS;
    pp_resurrect(self); /* the reference is the native object's */
    PP_WRAPPER(self)->side->flips++;
}

/* native -> Python. A zombie comes back with the reference that the native
 * object owned, so its count does not change; even when a weak reference has
 * brought it back before us. */
PyObject *
pp_preserve_wrap(pp_side *side, pp_header *h)
{
    PyObject *self = h->wrapper;

    if (self == NULL)
        return pp_new_wrapper(side, h);
    if (h->state == NATIVE_OWNS) {
        h->state = PYTHON_OWNS;
        side->resurrections++;
        return self;
    }
    Py_INCREF(self);
    return self;
}

void
pp_preserve_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    PP_HEADER(self) = h;
    pp_set_wrapper(h, self);
}

/* Native code lets go. A zombie's Python reference is given up: that is its
 * death by the ordinary road, or, if a weak reference has brought it back in the
 * meantime, it simply lives on as Python's. */
void
pp_preserve_last(pp_side *side, pp_header *h)
{
    if (h->state == NATIVE_OWNS) {
        h->state = PYTHON_OWNS;
        Py_DECREF(h->wrapper);
    }
}

/* ---- slots, of MyClass and of every subclass ------------------------------ */

static void
clear_contents(PyObject *self)
{
    pp_clear_slots(PP_WRAPPER(self)->side, self);
    Py_CLEAR(PP_WRAPPER(self)->dict);
}

/* tp_dealloc: flip, or die in CPython's order: __del__, weak references, slots,
 * dict, and last of all the native object, so that __del__ and callbacks find
 * it whole. */
void
pp_preserve_dealloc(PyObject *self)
{
    PyTypeObject *type;
    pp_side *side = PP_WRAPPER(self)->side;
    pp_header *h = PP_HEADER(self);

    if (held_natively(h)) {
        flip(self, h);
        return;
    }
    /* Out of gc's sight before any code runs, and onto the trashcan, which may
     * put the rest off until the stack is shallow again; then it starts over
     * from the top. */
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, pp_preserve_dealloc)
    if (Py_TYPE(self)->tp_finalize) {
        PyObject_GC_Track(self);
        if (PyObject_CallFinalizerFromDealloc(self) < 0)
            goto resurrected; /* __del__ stored it somewhere: Python's again */
        if (held_natively(h)) {
            flip(self, h); /* __del__ handed it to native code */
            goto resurrected;
        }
        PyObject_GC_UnTrack(self);
    }
    if (PP_WRAPPER(self)->weakrefs)
        PyObject_ClearWeakRefs(self);
    clear_contents(self);
    if (h) {
        /* Ours is the only native reference and nobody can take another:
         * whoever could would need one, or the wrapper. */
        pp_set_wrapper(h, NULL);
        pp_release(side, h);
        side->wrappers_freed++;
    }
    type = Py_TYPE(self); /* not earlier: __del__ may assign __class__ */
    type->tp_free(self);
    Py_DECREF(type);
resurrected:;
    Py_TRASHCAN_END
}

/* Whether gc can see every native reference to a zombie: there is one, and a
 * MyClassRef owns it. Then the zombie's Python reference counts as that holder's
 * (pp_preserve_visit), and a cycle through the two is garbage like any other. With
 * two holders gc would see it twice, so that case stays out of its sight. */
static inline bool
visible_zombie(pp_header *h)
{
    return h->state == NATIVE_OWNS && h->holders == 1 && pp_refs(h) == 2;
}

/* A holder's tp_traverse: see visible_zombie. A goroutine may drop a reference
 * between two calls of one collection and turn the answer from no to yes, which
 * makes gc keep more, never less; from yes to no takes the GIL. */
int
pp_preserve_visit(pp_side *side, PyObject *holder, pp_header *h, visitproc visit, void *arg)
{
    if (visible_zombie(h))
        Py_VISIT(h->wrapper);
    return 0;
}

/* tp_traverse: all it refers to; but of what native code holds unseen, nothing.
 * Otherwise gc would find a wrapper that refers to itself to be garbage, though
 * native code will ask for it again; and if it saw the type, it might break that
 * up and leave the wrapper with a class without methods. */
int
pp_preserve_traverse(PyObject *self, visitproc visit, void *arg)
{
    pp_header *h = PP_HEADER(self);

    if (held_natively(h) && !visible_zombie(h))
        return 0;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(PP_WRAPPER(self)->dict);
    if (pp_visit_callback(self, visit, arg))
        return 1;
    return pp_visit_slots(PP_WRAPPER(self)->side, self, visit, arg);
}

/* tp_clear: break cycles, but never empty what native code holds. The cycle of a
 * visible zombie is broken at its holder, whose tp_clear lets it go. */
int
pp_preserve_clear(PyObject *self)
{
    if (!held_natively(PP_HEADER(self))) {
        clear_contents(self);
        pp_clear_callback(self);
    }
    return 0;
}

pp_side pp_preserve = {
    .name = "preserve",
    .wrap = pp_preserve_wrap,
    .adopt = pp_preserve_adopt,
    .last = pp_preserve_last,
    .visit = pp_preserve_visit,
    .dealloc = pp_preserve_dealloc,
    .traverse = pp_preserve_traverse,
    .clear = pp_preserve_clear,
    .owns_subclasses = true,
};
