/* preserve.h: full PyObject preservation. tp_dealloc flips ownership while native code
 * holds the object, and wrap hands the same PyObject out again.
 *
 *     class MyClass:
 *         def __dealloc__(self):                 # no Python reference is left
 *             if self.native.refs > 1:           # native code holds it: flip
 *                 self.native.state = NATIVE_OWNS
 *                 resurrect(self)                # one reference, which the native object owns
 *             else:
 *                 die(self)                      # __del__, weakrefs, slots, dict, native object
 *
 *     def wrap(native):
 *         if native.state == NATIVE_OWNS:        # flip back
 *             native.state = PYTHON_OWNS
 *             return native.wrapper              # with the reference the native object owned
 *         return native.wrapper or make(native)
 *
 *     def release(native):
 *         native.refs -= 1
 *         if native.refs == 1 and native.state == NATIVE_OWNS:
 *             native.state = PYTHON_OWNS
 *             del native.wrapper                 # __dealloc__; a weak reference may have been faster
 *
 * States (slot.state) and transitions, all with the GIL:
 *
 *     PYTHON_OWNS   Python's references keep the wrapper; slot.wrapper is borrowed
 *     NATIVE_OWNS   the wrapper is a zombie: slot.wrapper owns one reference to it
 *
 *     PYTHON_OWNS -> NATIVE_OWNS   preserve_dealloc, native code holds the object: the flip
 *     NATIVE_OWNS -> PYTHON_OWNS   preserve_wrap: resurrection
 *     NATIVE_OWNS -> PYTHON_OWNS   preserve_release of the last reference beside the
 *                                  wrapper's: the zombie dies, or lives on as Python's if a
 *                                  weak reference has resurrected it
 *
 * The wrapper owns one native reference from preserve_adopt to its death. Your part: no
 * thread takes the count from 2 to 1 without the GIL (lifetime/queue.h). So "refs > 1", read
 * with the GIL, stays true until the GIL is released.
 *
 * Define before including this file, for a native type of your own:
 *
 *     typedef struct node preserve_native;
 *     static inline node *preserve_of(PyObject *self);       NULL until you set it before preserve_adopt
 *     static inline lt_slot *preserve_slot(node *);
 *     static inline int64_t preserve_refs(node *);           native references, the wrapper's too
 *     static inline int64_t preserve_inc(node *);            count only; the new count
 *     static inline int64_t preserve_dec(node *);            count only; the new count
 *     static inline void preserve_free(node *);              the count is 0: destroy
 *     static PyObject *preserve_make(node *);                a wrapper for a node born in native
 *                                                            code; see preserve_adopt
 * Optional macros: PRESERVE_SET_WRAPPER(node, wrapper) where the count has a has-wrapper bit;
 * PRESERVE_EVENT(flips | resurrections | wrappers_freed); PRESERVE_VISIT_MORE(self, visit,
 * arg) and PRESERVE_CLEAR_MORE(self) for Python references that the node itself holds; both
 * are also called when preserve_of(self) is NULL. No function accepts a NULL node.
 *
 * List preserve_dealloc, preserve_traverse, preserve_clear in the class and in every native
 * class derived from it, lt_get_class and lt_set_class as __class__ in tp_getset, and make
 * instances in tp_new by preserve_new and preserve_adopt. */
#ifndef PRESERVE_H
#define PRESERVE_H

#include "../lifetime/lifetime.h"

#ifndef PRESERVE_SET_WRAPPER
#define PRESERVE_SET_WRAPPER(native, self) (preserve_slot(native)->wrapper = (self))
#endif
#ifndef PRESERVE_EVENT
#define PRESERVE_EVENT(what) ((void)0)
#endif
#ifndef PRESERVE_VISIT_MORE
#define PRESERVE_VISIT_MORE(self, visit, arg) 0
#endif
#ifndef PRESERVE_CLEAR_MORE
#define PRESERVE_CLEAR_MORE(self) ((void)0)
#endif

enum { PRESERVE_PYTHON_OWNS = 0, PRESERVE_NATIVE_OWNS = 1 };

/* ---- wrap, retain, release: with the GIL -------------------------------------- */

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
preserve_new(PyTypeObject *type)
{
    lt_own(type);
    return lt_new(type);
}

/* self, a new wrapper, takes over one native reference of the caller's: the first of a new
 * node, or one that preserve_make has added by preserve_inc. */
static inline void
preserve_adopt(PyObject *self, preserve_native *native)
{
    (void)self;
    PRESERVE_SET_WRAPPER(native, self);
}

/* native -> Python: a new reference to the wrapper. The caller holds a native reference
 * throughout. The reference that the native object owns to a zombie passes to the caller, so
 * the wrapper's count does not change. That is right as well if a weak reference has added
 * references before. NULL with an exception. */
static inline PyObject *
preserve_wrap(preserve_native *native)
{
    lt_slot *slot = preserve_slot(native);
    PyObject *self = slot->wrapper;

    if (self == NULL)
        return preserve_make(native);
    if (slot->state == PRESERVE_NATIVE_OWNS) {
        slot->state = PRESERVE_PYTHON_OWNS;
        PRESERVE_EVENT(resurrections);
        return self;
    }
    if (lt_in_trashcan(self)) { /* not flipped yet */
        if (lt_empty_trashcan() < 0)
            return NULL;
        if (slot->wrapper && lt_in_trashcan(slot->wrapper))
            return lt_still_in_trashcan();
        return preserve_wrap(native);
    }
    Py_INCREF(self);
    return self;
}

/* One more native reference. The caller holds one, or the wrapper. */
static inline void
preserve_retain(preserve_native *native)
{
    preserve_inc(native);
}

/* One native reference less. Runs any Python code. */
static inline void
preserve_release(preserve_native *native)
{
    lt_slot *slot = preserve_slot(native);
    /* Read before the decrement. If there is a wrapper, its reference keeps the object. If
     * not, a thread without the GIL may destroy the object right after the decrement. */
    PyObject *wrapper = slot->wrapper;
    int64_t left = preserve_dec(native);

    if (left == 0)
        preserve_free(native);
    else if (left == 1 && wrapper && slot->state == PRESERVE_NATIVE_OWNS) {
        slot->state = PRESERVE_PYTHON_OWNS;
        Py_DECREF(wrapper);
    }
}

/* A holder is a Python object that owns one native reference. Call these when it takes
 * the reference, and before it releases it. */
static inline void
preserve_holder_made(preserve_native *native)
{
    preserve_slot(native)->holders++;
}

static inline void
preserve_holder_gone(preserve_native *native)
{
    preserve_slot(native)->holders--;
}

/* ---- slots, of the class and of every Python subclass --------------------------- */

/* Whether native code holds the object beside the wrapper. */
static inline bool
preserve_held(preserve_native *native)
{
    return native && preserve_refs(native) > 1;
}

/* Flip if native code holds the object: self, whose count is 0, gets the native object's
 * reference. */
static inline bool
preserve_keep(PyObject *self)
{
    preserve_native *native = preserve_of(self);

    if (!preserve_held(native))
        return false;
    preserve_slot(native)->state = PRESERVE_NATIVE_OWNS;
    lt_resurrect(self);
    PRESERVE_EVENT(flips);
    return true;
}

static inline void
preserve_drop(PyObject *self)
{
    preserve_native *native = preserve_of(self);

    if (native == NULL)
        return; /* its __new__ failed */
    /* The wrapper's is the only reference, and no other can be taken: that takes one, or the
     * wrapper. */
    PRESERVE_SET_WRAPPER(native, NULL);
    preserve_release(native);
    PRESERVE_EVENT(wrappers_freed);
}

/* tp_dealloc: flip, or die. */
static void
preserve_dealloc(PyObject *self)
{
    if (!preserve_keep(self))
        lt_die(self, preserve_dealloc, preserve_keep, lt_dying_nothing, preserve_drop);
}

/* Whether gc can see the owner of every native reference to a zombie: there is one, and it
 * is a holder. Then the holder visits the zombie as if it owned the zombie's one Python
 * reference, and a cycle through the two is garbage like any other. Two holders would both
 * visit that one reference, so gc would subtract it twice: such a cycle leaks. So does one
 * through a wrapper that Python still references, which is never a zombie. */
static inline bool
preserve_visible_zombie(preserve_native *native)
{
    lt_slot *slot = preserve_slot(native);

    return slot->state == PRESERVE_NATIVE_OWNS && slot->holders == 1 && preserve_refs(native) == 2;
}

/* A holder's part of its tp_traverse. During a collection a thread without the GIL may
 * release its reference and turn "not visible" into "visible", which makes gc keep more,
 * never less; the other way takes the GIL. */
static inline int
preserve_visit(preserve_native *native, PyObject *holder, visitproc visit, void *arg)
{
    (void)holder;
    if (preserve_visible_zombie(native))
        Py_VISIT(preserve_slot(native)->wrapper);
    return 0;
}

/* tp_traverse: everything; but nothing while native code holds the object unseen. gc would
 * find a wrapper that refers to itself to be garbage, though native code will ask for it;
 * and if it saw the type, it could clear that and leave the wrapper without methods. */
static int
preserve_traverse(PyObject *self, visitproc visit, void *arg)
{
    preserve_native *native = preserve_of(self);

    if (preserve_held(native) && !preserve_visible_zombie(native))
        return 0;
    if (PRESERVE_VISIT_MORE(self, visit, arg))
        return 1;
    return lt_traverse(self, visit, arg);
}

/* tp_clear: break cycles, but never empty what native code holds. The cycle of a visible
 * zombie is broken at its holder. */
static int
preserve_clear(PyObject *self)
{
    if (!preserve_held(preserve_of(self))) {
        lt_clear(self);
        PRESERVE_CLEAR_MORE(self);
    }
    return 0;
}

#endif
