/* toggleref.h: native code holds one counted Python reference to the wrapper whenever it
 * holds the native object beside the wrapper's own reference.
 *
 *     def retain(native):
 *         native.refs += 1
 *         if native.refs == 2 and native.wrapper:     # the wrapper's, and now another
 *             incref(native.wrapper)
 *
 *     def release(native):
 *         native.refs -= 1
 *         if native.refs == 1 and native.wrapper:     # the wrapper's is the only one again
 *             decref(native.wrapper)
 *
 *     def wrap(native):
 *         return native.wrapper or make(native)
 *
 * The wrapper does not die while native code holds the object. So tp_dealloc decides
 * nothing, Python subclasses keep CPython's slots, and gc knows the reference from the start.
 *
 * States and transitions. Each is made by an attached thread with the slot's lock, but for the
 * wrapper's death. slot.state is not used; the count is the state:
 *
 *     refs == 1   the wrapper's own reference is the only one; Python's references keep it
 *     refs > 1    native code owns Python references to the wrapper: one for each holder,
 *                 or one for all other owners if there is no holder
 *
 *     1 -> 2   toggleref_retain increfs the wrapper
 *     2 -> 1   toggleref_release decrefs the wrapper, which may die of it
 *
 * A holder is a Python object that owns one native reference. It has a Python reference of
 * its own so that it can show gc where the reference comes from.
 *
 * The wrapper owns one native reference from toggleref_adopt to its death. While the object
 * has a wrapper, the count goes from 1 to 2 only by a thread that holds a reference to the
 * wrapper, and from 2 to 1 only by an attached thread, in toggleref_release (lifetime/queue.h).
 *
 * toggleref_wrap needs no lock: the caller's native reference implies the Python reference
 * that native code owns, so the wrapper's count is not zero.
 *
 * Define before including this file, for a native type of your own:
 *
 *     typedef struct node toggleref_native;
 *     static inline node *toggleref_of(PyObject *self);      NULL until you set it before toggleref_adopt
 *     static inline lt_slot *toggleref_slot(node *);
 *     static inline int64_t toggleref_refs(node *);          native references, the wrapper's too
 *     static inline int64_t toggleref_inc(node *);           count only; the new count
 *     static inline int64_t toggleref_dec(node *);           count only; the new count
 *     static inline void toggleref_free(node *);             the count is 0: destroy
 *     static PyObject *toggleref_make(node *);               a wrapper for a node born in native
 *                                                            code; see toggleref_adopt
 * Optional macros: TOGGLEREF_SET_WRAPPER(node, wrapper) where the count has a has-wrapper bit;
 * TOGGLEREF_EVENT(wrappers_freed); TOGGLEREF_VISIT_MORE(self, visit, arg) and
 * TOGGLEREF_CLEAR_MORE(self) for Python references that the node itself holds.
 *
 * List toggleref_dealloc, toggleref_traverse, toggleref_clear in the class, and make
 * instances in tp_new by toggleref_new and toggleref_adopt. */
#ifndef TOGGLEREF_H
#define TOGGLEREF_H

#include "../lifetime/lifetime.h"

#ifndef TOGGLEREF_SET_WRAPPER
#define TOGGLEREF_SET_WRAPPER(native, self) lt_set_wrapper(toggleref_slot(native), self)
#endif
#ifndef TOGGLEREF_EVENT
#define TOGGLEREF_EVENT(what) ((void)0)
#endif
#ifndef TOGGLEREF_VISIT_MORE
#define TOGGLEREF_VISIT_MORE(self, visit, arg) 0
#endif
#ifndef TOGGLEREF_CLEAR_MORE
#define TOGGLEREF_CLEAR_MORE(self) ((void)0)
#endif

/* ---- wrap, retain, release: attached ---------------------------------------------- */

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
toggleref_new(PyTypeObject *type)
{
    return lt_new(type);
}

/* self, a new wrapper, takes over one native reference of the caller's. Native code gets
 * the Python references that its other native references call for. false: another thread was
 * first; the reference is the caller's again, self must not refer to the node any more, and
 * toggleref_wrap returns the wrapper. With the GIL, and for a new node, always true. */
static inline bool
toggleref_adopt(PyObject *self, toggleref_native *native)
{
    lt_slot *slot = toggleref_slot(native);
    bool first;

    lt_lock(slot);
    first = lt_wrapper(slot) == NULL;
    if (first) {
        uint32_t holders = lt_holders(slot);
        uint32_t n = holders ? holders : toggleref_refs(native) > 1;

        while (n--)
            Py_INCREF(self); /* before it is published: toggleref_wrap relies on them */
        TOGGLEREF_SET_WRAPPER(native, self);
    }
    lt_unlock(slot);
    return first;
}

/* A new reference to the wrapper. NULL, with no exception set, if there is no wrapper. The
 * caller holds a native reference throughout. */
static inline PyObject *
toggleref_live(toggleref_native *native)
{
    PyObject *self = lt_wrapper(toggleref_slot(native));

    Py_XINCREF(self);
    return self;
}

/* native -> Python: a new reference to the wrapper. The caller holds a native reference
 * throughout. NULL with an exception. */
static inline PyObject *
toggleref_wrap(toggleref_native *native)
{
    PyObject *self = toggleref_live(native);

    return self ? self : toggleref_make(native);
}

/* One more native reference. The caller owns one, or a Python reference to the wrapper. An
 * unattached thread that owns one only increments the count. */
static inline void
toggleref_retain(toggleref_native *native)
{
    lt_slot *slot = toggleref_slot(native);
    PyObject *wrapper;

    lt_lock(slot);
    wrapper = lt_wrapper(slot);
    if (toggleref_inc(native) == 2 && wrapper)
        Py_INCREF(wrapper);
    lt_unlock(slot);
}

/* One native reference less. Runs any Python code. */
static inline void
toggleref_release(toggleref_native *native)
{
    lt_slot *slot = toggleref_slot(native);
    PyObject *wrapper;
    int64_t left;

    lt_lock(slot);
    /* Read before the decrement. If there is no wrapper, an unattached thread may take the
     * count to zero right after it, and destroys the object. Without the GIL it first waits in
     * lt_quiet until this thread has unlocked. */
    wrapper = lt_wrapper(slot);
    left = toggleref_dec(native);
    lt_unlock(slot);
    if (left == 0) {
        lt_quiet(slot);
        toggleref_free(native);
    }
    else if (left == 1 && wrapper)
        Py_DECREF(wrapper);
}

/* Call holder_made after the retain for a holder, and holder_gone before its release. The
 * first holder takes over the Python reference that there is for all. */
static inline void
toggleref_holder_made(toggleref_native *native)
{
    lt_slot *slot = toggleref_slot(native);
    PyObject *wrapper;

    lt_lock(slot);
    wrapper = lt_wrapper(slot);
    if (lt_add_holder(slot, 1) > 1 && wrapper)
        Py_INCREF(wrapper);
    lt_unlock(slot);
}

static inline void
toggleref_holder_gone(toggleref_native *native)
{
    lt_slot *slot = toggleref_slot(native);
    PyObject *wrapper;
    uint32_t left;

    lt_lock(slot);
    wrapper = lt_wrapper(slot);
    left = lt_add_holder(slot, -1);
    lt_unlock(slot);
    if (left > 0 && wrapper)
        Py_DECREF(wrapper); /* not the last one: the caller's native reference has another */
}

/* ---- slots of the class --------------------------------------------------------- */

static inline void
toggleref_drop(PyObject *self)
{
    toggleref_native *native = toggleref_of(self);

    if (native == NULL)
        return; /* its __new__ failed */
    /* No lock: the wrapper's reference is the only one, so no other thread can look. */
    TOGGLEREF_SET_WRAPPER(native, NULL);
    toggleref_release(native);
    TOGGLEREF_EVENT(wrappers_freed);
}

/* tp_dealloc: native code does not hold the object; the wrapper dies. */
static inline void
toggleref_dealloc(PyObject *self)
{
    lt_die_as_base(self, toggleref_dealloc, toggleref_drop);
}

/* Whether every native reference but the wrapper's is a holder's, which gc can traverse. */
static inline bool
toggleref_all_visible(toggleref_native *native)
{
    lt_slot *slot = toggleref_slot(native);

    return lt_wrapper(slot) && toggleref_refs(native) == 1 + (int64_t)lt_holders(slot);
}

/* A holder's part of its tp_traverse: its Python reference to the wrapper. If other native
 * code holds the object too, gc must find a reference that nothing accounts for. */
static inline int
toggleref_visit(toggleref_native *native, PyObject *holder, visitproc visit, void *arg)
{
    (void)holder;
    if (toggleref_all_visible(native))
        Py_VISIT(lt_wrapper(toggleref_slot(native)));
    return 0;
}

/* tp_traverse and tp_clear. */
static int
toggleref_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (TOGGLEREF_VISIT_MORE(self, visit, arg))
        return 1;
    return lt_traverse_as_base(self, visit, arg);
}

static int
toggleref_clear(PyObject *self)
{
    lt_clear_as_base(self);
    TOGGLEREF_CLEAR_MORE(self);
    return 0;
}

#endif
