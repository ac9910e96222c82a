/* finalizer.h: resurrection from tp_finalize (PEP 442).
 *
 *     class MyClass:
 *         def __del__(self):                         # called once in an object's life
 *             if self.native.refs > 1:
 *                 self.native.state = NATIVE_OWNS
 *                 incref(self)                       # come back
 *
 *     def wrap(native):
 *         if native.state == NATIVE_OWNS:
 *             native.state = PYTHON_OWNS
 *             return native.wrapper
 *         return native.wrapper or make(native)
 *
 * The first idea of many authors. It fails at the second death, for classes with a __del__ of
 * their own, and where gc finds the wrapper in a cycle.
 *
 * States (slot.state) and transitions, all with the GIL:
 *
 *     PYTHON_OWNS   Python's references keep the wrapper; slot.wrapper is borrowed
 *     NATIVE_OWNS   slot.wrapper owns one reference to the wrapper
 *
 *     PYTHON_OWNS -> NATIVE_OWNS   finalizer_finalize, native code holds the object
 *     NATIVE_OWNS -> PYTHON_OWNS   finalizer_wrap; finalizer_release of the last reference
 *                                  beside the wrapper's
 *
 * It needs the GIL. Without it CPython makes a wrapper that tp_finalize keeps biased (see
 * lt_unbias), and gc calls tp_finalize, once, for a wrapper that native code holds.
 *
 * Define before including this file, for a native type of your own:
 *
 *     typedef struct node finalizer_native;
 *     static inline node *finalizer_of(PyObject *self);      NULL until you set it before finalizer_adopt
 *     static inline lt_slot *finalizer_slot(node *);
 *     static inline int64_t finalizer_refs(node *);          native references, the wrapper's too
 *     static inline int64_t finalizer_inc(node *);           count only; the new count
 *     static inline int64_t finalizer_dec(node *);           count only; the new count
 *     static inline void finalizer_free(node *);             the count is 0: destroy
 *     static PyObject *finalizer_make(node *);               a wrapper that owns a reference
 * Optional macros: FINALIZER_SET_WRAPPER(node, wrapper) where the count has a has-wrapper bit;
 * FINALIZER_EVENT(flips | resurrections | wrappers_freed); FINALIZER_VISIT_MORE(self, visit,
 * arg) and FINALIZER_CLEAR_MORE(self) for Python references that the node itself holds.
 *
 * List finalizer_finalize, finalizer_dealloc, finalizer_traverse, finalizer_clear in the class
 * and in every native class derived from it, lt_get_class and lt_set_class as __class__ in
 * tp_getset, and make instances in tp_new by finalizer_new and finalizer_adopt. */
#ifndef FINALIZER_H
#define FINALIZER_H

#include "../lifetime/lifetime.h"

#ifndef FINALIZER_SET_WRAPPER
#define FINALIZER_SET_WRAPPER(native, self) lt_set_wrapper(finalizer_slot(native), self)
#endif
#ifndef FINALIZER_EVENT
#define FINALIZER_EVENT(what) ((void)0)
#endif
#ifndef FINALIZER_VISIT_MORE
#define FINALIZER_VISIT_MORE(self, visit, arg) 0
#endif
#ifndef FINALIZER_CLEAR_MORE
#define FINALIZER_CLEAR_MORE(self) ((void)0)
#endif

enum { FINALIZER_PYTHON_OWNS = 0, FINALIZER_NATIVE_OWNS = 1 };

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
finalizer_new(PyTypeObject *type)
{
    lt_own(type);
    return lt_new(type);
}

/* self, a new wrapper, takes over one native reference of the caller's. Always true. */
static inline bool
finalizer_adopt(PyObject *self, finalizer_native *native)
{
    (void)self;
    FINALIZER_SET_WRAPPER(native, self);
    return true;
}

/* native -> Python: a new reference to the wrapper. The caller holds a native reference
 * throughout. NULL with an exception. */
static inline PyObject *
finalizer_wrap(finalizer_native *native)
{
    lt_slot *slot = finalizer_slot(native);
    PyObject *self;

    for (int tries = 0; (self = lt_wrapper(slot)) != NULL; tries++) {
        if (lt_state(slot) == FINALIZER_NATIVE_OWNS) {
            lt_set_state(slot, FINALIZER_PYTHON_OWNS);
            FINALIZER_EVENT(resurrections);
            return self;
        }
        if (!lt_in_trashcan(self)) { /* not lt_try_incref: the wrapper is biased */
            Py_INCREF(self);
            return self;
        }
        if (lt_retry(tries) < 0)
            return NULL;
    }
    return finalizer_make(native);
}

/* One more native reference. The caller holds one, or the wrapper. */
static inline void
finalizer_retain(finalizer_native *native)
{
    finalizer_inc(native);
}

/* One native reference less. Runs any Python code. */
static inline void
finalizer_release(finalizer_native *native)
{
    lt_slot *slot = finalizer_slot(native);
    PyObject *wrapper = lt_wrapper(slot); /* before the decrement: see preserve_release */
    int64_t left = finalizer_dec(native);

    if (left == 0)
        finalizer_free(native);
    else if (left == 1 && wrapper && lt_state(slot) == FINALIZER_NATIVE_OWNS) {
        lt_set_state(slot, FINALIZER_PYTHON_OWNS);
        Py_DECREF(wrapper);
    }
}

/* ---- slots, of the class and of every Python subclass --------------------------- */

/* tp_finalize: live on if native code holds the object. A subclass's __del__ replaces it. */
static void
finalizer_finalize(PyObject *self)
{
    finalizer_native *native = finalizer_of(self);

    if (native && lt_wrapper(finalizer_slot(native)) == self &&
        lt_state(finalizer_slot(native)) == FINALIZER_PYTHON_OWNS && finalizer_refs(native) > 1) {
        lt_set_state(finalizer_slot(native), FINALIZER_NATIVE_OWNS);
        Py_INCREF(self);
        FINALIZER_EVENT(flips);
    }
}

static inline void
finalizer_dying(PyObject *self)
{
    finalizer_native *native = finalizer_of(self);

    if (native && lt_wrapper(finalizer_slot(native)) == self)
        FINALIZER_SET_WRAPPER(native, NULL);
}

static inline void
finalizer_drop(PyObject *self)
{
    finalizer_native *native = finalizer_of(self);

    if (native == NULL)
        return; /* its __new__ failed */
    finalizer_release(native);
    FINALIZER_EVENT(wrappers_freed);
}

/* tp_dealloc. lt_die calls a __del__ that has replaced tp_finalize. */
static void
finalizer_dealloc(PyObject *self)
{
    if (Py_TYPE(self)->tp_finalize == finalizer_finalize &&
        PyObject_CallFinalizerFromDealloc(self) < 0)
        return;
    lt_die(self, finalizer_dealloc, lt_keep_never, finalizer_dying, finalizer_drop);
}

/* tp_traverse and tp_clear. */
static int
finalizer_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (FINALIZER_VISIT_MORE(self, visit, arg))
        return 1;
    return lt_traverse(self, visit, arg);
}

static int
finalizer_clear(PyObject *self)
{
    lt_clear(self);
    FINALIZER_CLEAR_MORE(self);
    return 0;
}

#endif
