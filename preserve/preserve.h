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
 *         if native.state == NATIVE_OWNS:        # resurrection, if nothing else refers to it
 *             return incref(native.wrapper)
 *         return native.wrapper or make(native)
 *
 *     def release(native):
 *         native.refs -= 1
 *         if native.refs == 1 and native.state == NATIVE_OWNS:
 *             native.state = PYTHON_OWNS
 *             decref(native.wrapper)             # __dealloc__, unless Python refers to it
 *
 * States (slot.state) and transitions. Each is made by an attached thread with the slot's lock:
 *
 *     PYTHON_OWNS   Python's references keep the wrapper; slot.wrapper is borrowed
 *     NATIVE_OWNS   slot.wrapper owns one reference to the wrapper, which is a zombie while it
 *                   is the only one
 *     UNTRACKED     a bit beside NATIVE_OWNS: the wrapper is a zombie, and gc does not track it
 *
 *     PYTHON_OWNS -> NATIVE_OWNS   preserve_dealloc, native code holds the object: the flip
 *     NATIVE_OWNS -> PYTHON_OWNS   preserve_release of the last reference beside the
 *                                  wrapper's: the wrapper dies, or lives on as Python's
 *     UNTRACKED -> tracked         both of preserve_wrap and preserve_release, before the wrapper
 *                                  is returned or dies
 *
 * preserve_wrap does not take ownership back. A flip to PYTHON_OWNS at each resurrection, as in
 * PyTorch up to 2.9, would save an increment, and cost another death and another flip at each
 * drop; and without the GIL it would need the lock.
 *
 * A full collection costs nothing for a zombie that is not tracked. The flip untracks a wrapper
 * that is part of no cycle, and that only preserve_wrap can return: an instance of the native
 * class, without weak references, whose attributes are none that gc tracks (preserve_leaf). A
 * wrapper that has been returned once stays tracked, because its later drops are a decrement only.
 * Free-threaded builds, whose gc finds objects in the heap and not in a list, do not need it.
 *
 * The wrapper owns one native reference from preserve_adopt to its death. So native code holds
 * the object when the count is more than 1, and there are two rules for the count:
 *   - From 1 to 2 only by a thread that holds a reference to the wrapper.
 *   - From 2 to 1 only by an attached thread, in preserve_release (your part: lifetime/queue.h).
 * By the first a wrapper whose count is zero, with a native count of 1, dies for certain; by
 * the second a flip is followed by a release that takes it back.
 *
 * Without the GIL a weak reference to a wrapper answers None between the release of the last
 * Python reference and the flip. The object is not destroyed, and a moment later it answers
 * again. That is inherent in a decision in tp_dealloc.
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
 * PRESERVE_EVENT(flips | wrappers_freed); PRESERVE_VISIT_MORE(self, visit,
 * arg) and PRESERVE_CLEAR_MORE(self) for Python references that the node itself holds, and that
 * it is given through the wrapper only; both are also called when preserve_of(self) is NULL. No function accepts a NULL node.
 *
 * List preserve_dealloc, preserve_traverse, preserve_clear in the class and in every native
 * class derived from it, lt_get_class and lt_set_class as __class__ in tp_getset, and make
 * instances in tp_new by preserve_new and preserve_adopt. */
#ifndef PRESERVE_H
#define PRESERVE_H

#include "../lifetime/lifetime.h"

#ifndef PRESERVE_SET_WRAPPER
#define PRESERVE_SET_WRAPPER(native, self) lt_set_wrapper(preserve_slot(native), self)
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

enum { PRESERVE_PYTHON_OWNS = 0, PRESERVE_NATIVE_OWNS = 1, PRESERVE_UNTRACKED = 2 };

/* ---- wrap, retain, release: attached ---------------------------------------------- */

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
preserve_new(PyTypeObject *type)
{
    lt_own(type);
    return lt_new(type);
}

/* self, a new wrapper, takes over one native reference of the caller's: the first of a new
 * node, or one that preserve_make has added by preserve_inc. false: another thread was first.
 * The reference is the caller's again, self must not refer to the node any more, and
 * preserve_wrap returns the wrapper. With the GIL, and for a new node, always true. */
static inline bool
preserve_adopt(PyObject *self, preserve_native *native)
{
    lt_slot *slot = preserve_slot(native);
    bool first;

    lt_unbias(self);
    lt_lock(slot);
    first = lt_wrapper(slot) == NULL;
    if (first)
        PRESERVE_SET_WRAPPER(native, self);
    lt_unlock(slot);
    return first;
}

/* UNTRACKED -> tracked. Where this happens the GIL is the slot's lock. */
LT_COLD static PyObject *
preserve_track(preserve_native *native)
{
    PyObject *self = lt_wrapper(preserve_slot(native));

    PyObject_GC_Track(self);
    lt_set_state(preserve_slot(native), PRESERVE_NATIVE_OWNS);
    return self;
}

/* self, the wrapper, which is returned or dies, is tracked from now on. */
static inline PyObject *
preserve_tracked(preserve_native *native, PyObject *self)
{
    return lt_state(preserve_slot(native)) & PRESERVE_UNTRACKED ? preserve_track(native) : self;
}

/* A new reference to the wrapper. NULL, with no exception set, if there is no wrapper or it is
 * in its tp_dealloc. The caller holds a native reference throughout. So a wrapper in its
 * tp_dealloc will flip, and its memory is valid. */
static inline PyObject *
preserve_live(preserve_native *native)
{
    PyObject *self = lt_wrapper(preserve_slot(native));

    if (self == NULL || !lt_try_incref(self))
        return NULL;
    return preserve_tracked(native, self);
}

/* The rest of preserve_wrap: there is no wrapper, or it is in its tp_dealloc. */
LT_COLD static PyObject *
preserve_wait_or_make(preserve_native *native)
{
    PyObject *self = NULL;

    for (int tries = 0; self == NULL; tries++) {
        if (lt_wrapper(preserve_slot(native)) == NULL)
            return preserve_make(native);
        if (lt_retry(tries) < 0)
            return NULL;
        self = preserve_live(native);
    }
    return self;
}

/* native -> Python: a new reference to the wrapper. The caller holds a native reference
 * throughout. NULL with an exception. */
static inline PyObject *
preserve_wrap(preserve_native *native)
{
    PyObject *self = lt_wrapper(preserve_slot(native));

    /* Not by preserve_live, whose result would be looked at again: each call here is the last step. */
    if (self == NULL || !lt_try_incref(self))
        return preserve_wait_or_make(native);
    return preserve_tracked(native, self);
}

/* One more native reference. The caller owns one, or a Python reference to the wrapper. An
 * unattached thread that owns one only increments the count. */
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
    PyObject *wrapper;
    int64_t left;

    lt_lock(slot);
    /* Read before the decrement. If there is a wrapper, its reference keeps the object. If
     * not, an unattached thread may take the count to zero right after the decrement; it
     * then waits for the lock (lt_quiet), which there is only without the GIL. */
    wrapper = lt_state(slot) & PRESERVE_NATIVE_OWNS ? lt_wrapper(slot) : NULL;
    left = preserve_dec(native);
    if (left == 1 && wrapper) {
        preserve_tracked(native, wrapper);
        lt_set_state(slot, PRESERVE_PYTHON_OWNS);
        lt_unlock(slot);
        Py_DECREF(wrapper);
        return;
    }
    lt_unlock(slot);
    if (left == 0) {
        lt_quiet(slot);
        preserve_free(native);
    }
}

/* A holder is a Python object that owns one native reference. Call these when it takes
 * the reference, and before it releases it. */
static inline void
preserve_holder_made(preserve_native *native)
{
    lt_count_holder(preserve_slot(native), 1);
}

static inline void
preserve_holder_gone(preserve_native *native)
{
    lt_count_holder(preserve_slot(native), -1);
}

/* ---- slots, of the class and of every Python subclass --------------------------- */

/* Whether native code holds the object beside the wrapper. */
static inline bool
preserve_held(preserve_native *native)
{
    return native && preserve_refs(native) > 1;
}

static inline int
preserve_any(PyObject *object, void *arg)
{
    (void)object;
    (void)arg;
    return 1;
}

/* Whether no cycle can go through self until preserve_wrap returns it. A dict that gc does not
 * track has atomic values only; if other code refers to it, that may change. */
static inline bool
preserve_leaf(PyObject *self)
{
#ifdef Py_GIL_DISABLED
    (void)self;
    return false;
#else
    PyObject *dict = *lt_dict(self);

    return !lt_python_made(Py_TYPE(self)) && !lt_has_weakrefs(self) &&
           (dict == NULL || (Py_REFCNT(dict) == 1 && !PyObject_GC_IsTracked(dict))) &&
           !PRESERVE_VISIT_MORE(self, preserve_any, NULL);
#endif
}

/* The flip: self, whose count is 0, gets the native object's reference. Locked. */
LT_APART static void
preserve_flip(PyObject *self, lt_slot *slot)
{
    unsigned state = PRESERVE_NATIVE_OWNS;

    if (preserve_leaf(self)) {
        PyObject_GC_UnTrack(self);
        state |= PRESERVE_UNTRACKED;
    }
    lt_resurrect(self); /* before the state: preserve_live adds to it at once */
    lt_set_state(slot, state);
    lt_unlock(slot);
    PRESERVE_EVENT(flips);
}

/* Flip if native code holds the object. */
static inline bool
preserve_keep(PyObject *self)
{
    preserve_native *native = preserve_of(self);

    if (native == NULL)
        return false;
    lt_lock(preserve_slot(native));
    if (preserve_held(native)) {
        preserve_flip(self, preserve_slot(native));
        return true;
    }
    lt_unlock(preserve_slot(native));
    return false;
}

static inline void
preserve_drop(PyObject *self)
{
    preserve_native *native = preserve_of(self);

    if (native == NULL)
        return; /* its __new__ failed */
    /* The wrapper's is the only reference, and no other can be taken: that takes one, or the
     * wrapper (see the rules above). */
    PRESERVE_SET_WRAPPER(native, NULL);
    if (preserve_dec(native) == 0) {
        lt_quiet(preserve_slot(
            native)); /* the release that left this reference may still have the lock */
        preserve_free(native);
    }
    PRESERVE_EVENT(wrappers_freed);
}

/* tp_dealloc: flip, or die. */
static void
preserve_dealloc(PyObject *self)
{
    if (!preserve_keep(self))
        lt_die(self, preserve_dealloc, preserve_keep, lt_dying_nothing, preserve_drop);
}

/* Whether gc can see the owner of every native reference beside the wrapper's: there is one,
 * and it is a holder. Then the holder visits the wrapper, as the owner of the one Python
 * reference that the native object owns, and a cycle through the two is garbage like any other.
 * Two holders would both visit that one reference, so gc would subtract it twice: such a cycle
 * leaks. So does one through a wrapper that has never been a zombie. A zombie that is not tracked
 * is not visited: gc.get_referents would return it without preserve_wrap, and a cycle that is then
 * made through it would leak. */
static inline bool
preserve_visible(preserve_native *native)
{
    lt_slot *slot = preserve_slot(native);

    return lt_state(slot) == PRESERVE_NATIVE_OWNS && lt_holders(slot) == 1 &&
           preserve_refs(native) == 2;
}

/* A holder's part of its tp_traverse. During a collection an unattached thread may release its
 * reference and turn "not visible" into "visible", which makes gc keep more, never less; the
 * other way takes an attached thread. */
static inline int
preserve_visit(preserve_native *native, PyObject *holder, visitproc visit, void *arg)
{
    (void)holder;
    if (preserve_visible(native))
        Py_VISIT(lt_wrapper(preserve_slot(native)));
    return 0;
}

/* tp_traverse: everything; but nothing while native code holds the object unseen. gc would
 * find a wrapper that refers to itself to be garbage, though native code will ask for it;
 * and if it saw the type, it could clear that and leave the wrapper without methods. */
static int
preserve_traverse(PyObject *self, visitproc visit, void *arg)
{
    preserve_native *native = preserve_of(self);

    if (preserve_held(native) && !preserve_visible(native))
        return 0;
    if (PRESERVE_VISIT_MORE(self, visit, arg))
        return 1;
    return lt_traverse(self, visit, arg);
}

/* tp_clear: break cycles, but never empty what native code holds. A cycle through a holder is
 * broken there. */
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
