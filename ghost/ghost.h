/* ghost.h: class and dict outlive the wrapper, and a new wrapper is made around them.
 *
 *     class MyClass:
 *         def __dealloc__(self):
 *             run __del__
 *             if self.native.refs > 1 and (made_by_class_statement(type(self)) or self.__dict__):
 *                 self.native.ghost = type(self), self.__dict__
 *             die(self)                          # weakrefs, slots
 *
 *     def wrap(native):
 *         if native.wrapper:
 *             return native.wrapper
 *         if native.ghost:
 *             cls, dict = take(native.ghost)
 *             return cls.__around__(native, dict)     # no __new__, no __init__
 *         return MyClass(native)
 *
 * States (slot.state, slot.wrapper) and transitions, by an attached thread with the slot's lock:
 *
 *     WRAPPER   slot.wrapper is a borrowed pointer to the wrapper, whose count may be zero, or NULL
 *               if there is none
 *     GHOST     slot.wrapper is a ghost_body, which owns the native reference that its wrapper
 *               had, the class and the dict
 *
 *     WRAPPER -> GHOST   ghost_dying: native code holds the object, and there is something to keep.
 *                        Without memory nothing is kept
 *     GHOST -> WRAPPER   ghost_wrap: a new wrapper takes over all that the ghost owns
 *     GHOST -> WRAPPER   ghost_release from 2 to 1: the ghost is destroyed, then the native object
 *
 * While the object has a wrapper, the count goes from 1 to 2 only by a thread that holds a
 * reference to the wrapper; and from 2 to 1 only by an attached thread, in ghost_release
 * (lifetime/queue.h).
 *
 * VTK keeps its ghosts in a map that it sweeps whenever one is made, so N ghosts cost N * N
 * steps. Here a ghost belongs to its native object and dies with it.
 *
 * Define before including this file, for a native type of your own:
 *
 *     typedef struct node ghost_native;
 *     static inline node *ghost_of(PyObject *self);          NULL if it has none
 *     static inline void ghost_set(PyObject *self, node *);  NULL: it has none any more
 *     static inline lt_slot *ghost_slot(node *);
 *     static inline int64_t ghost_refs(node *);              native references, the wrapper's too
 *     static inline int64_t ghost_inc(node *);               count only; the new count
 *     static inline int64_t ghost_dec(node *);               count only; the new count
 *     static inline void ghost_free(node *);                 the count is 0: destroy
 *     static PyObject *ghost_alloc(PyTypeObject *);          an instance without native object,
 *                                                            by lt_new_quietly. NULL: of the
 *                                                            native class itself
 * Optional macros: GHOST_SET_WRAPPER(node, wrapper) where the count has a has-wrapper bit;
 * GHOST_EVENT(wrappers_freed); GHOST_VISIT_MORE(self, visit, arg) and GHOST_CLEAR_MORE(self)
 * for Python references that the node itself holds. They must do nothing unless ghost_refs(node)
 * is 1: gc must not clear what native code still holds.
 *
 * List ghost_dealloc, ghost_traverse, ghost_clear in the class and in every native class
 * derived from it, lt_get_class and lt_set_class as __class__ in tp_getset, and make
 * instances in tp_new by ghost_new and ghost_adopt. */
#ifndef GHOST_H
#define GHOST_H

#include "../lifetime/lifetime.h"

#ifndef GHOST_SET_WRAPPER
#define GHOST_SET_WRAPPER(native, self) lt_set_wrapper(ghost_slot(native), self)
#endif
#ifndef GHOST_EVENT
#define GHOST_EVENT(what) ((void)0)
#endif
#ifndef GHOST_VISIT_MORE
#define GHOST_VISIT_MORE(self, visit, arg) 0
#endif
#ifndef GHOST_CLEAR_MORE
#define GHOST_CLEAR_MORE(self) ((void)0)
#endif

enum { GHOST_WRAPPER = 0, GHOST_GHOST = 1 };

typedef struct {
    PyTypeObject *type; /* owned */
    PyObject *dict;     /* owned; may be NULL */
} ghost_body;

/* In state GHOST, locked. */
static inline ghost_body *
ghost_body_of(ghost_native *native)
{
    return (ghost_body *)(void *)lt_wrapper(ghost_slot(native));
}

/* ---- wrap, retain, release: attached ---------------------------------------------- */

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
ghost_new(PyTypeObject *type)
{
    lt_own(type);
    return lt_new(type);
}

/* Locked. */
static inline void
ghost_publish(PyObject *self, ghost_native *native)
{
    ghost_set(self, native);
    GHOST_SET_WRAPPER(native, self);
    lt_set_state(ghost_slot(native), GHOST_WRAPPER);
}

/* self, a new wrapper, takes over one native reference of the caller's. false: another thread
 * was first, and the reference is the caller's again. With the GIL, and for a new node, always
 * true. */
static inline bool
ghost_adopt(PyObject *self, ghost_native *native)
{
    lt_slot *slot = ghost_slot(native);
    bool first;

    lt_unbias(self);
    lt_lock(slot);
    first = lt_wrapper(slot) == NULL;
    if (first)
        ghost_publish(self, native);
    lt_unlock(slot);
    return first;
}

/* A new reference to the wrapper. NULL, with no exception set, if there is no wrapper or its
 * count is zero. The caller holds a native reference throughout. */
static inline PyObject *
ghost_live(ghost_native *native)
{
    lt_slot *slot = ghost_slot(native);
    PyObject *self;

    lt_lock(slot);
    self = lt_state(slot) == GHOST_WRAPPER ? lt_wrapper(slot) : NULL;
    if (self && !lt_try_incref(self)) /* locked: it cannot be destroyed meanwhile */
        self = NULL;
    lt_unlock(slot);
    return self;
}

/* The ghost's class, a new reference; NULL if there is no ghost. */
static inline PyTypeObject *
ghost_class(ghost_native *native)
{
    lt_slot *slot = ghost_slot(native);
    PyTypeObject *type = NULL;

    lt_lock(slot);
    if (lt_state(slot) == GHOST_GHOST) {
        type = ghost_body_of(native)->type;
        Py_INCREF(type);
    }
    lt_unlock(slot);
    return type;
}

/* A wrapper around a ghost of this class. NULL without an exception if another thread was
 * first; NULL with MemoryError, and the ghost stays. */
static inline PyObject *
ghost_incarnate(ghost_native *native, PyTypeObject *type)
{
    lt_slot *slot = ghost_slot(native);
    PyObject *self = ghost_alloc(type);
    ghost_body *body;

    if (self == NULL)
        return NULL;
    lt_unbias(self);
    lt_lock(slot);
    body = lt_state(slot) == GHOST_GHOST ? ghost_body_of(native) : NULL;
    if (body && body->type == type) {
        *lt_dict(self) = body->dict;
        ghost_publish(self, native); /* with the ghost's native reference */
    }
    else
        body = NULL;
    lt_unlock(slot);
    if (body == NULL) {
        lt_discard(self);
        return NULL;
    }
    Py_DECREF(type); /* the ghost's; the instance has a reference of its own */
    PyMem_RawFree(body);
    return self;
}

/* native -> Python: a new reference to the live wrapper, to one around the ghost, or to a new
 * one. The caller holds a native reference throughout. NULL with an exception. */
static inline PyObject *
ghost_wrap(ghost_native *native)
{
    PyObject *self;

    for (int tries = 0; (self = ghost_live(native)) == NULL; tries++) {
        PyTypeObject *type = ghost_class(native);

        if (type) {
            self = ghost_incarnate(native, type);
            Py_DECREF(type);
            if (self || PyErr_Occurred())
                return self;
        }
        else if (lt_wrapper(ghost_slot(native)) == NULL) {
            self = ghost_alloc(NULL);
            if (self == NULL)
                return NULL;
            ghost_inc(native);
            if (ghost_adopt(self, native))
                return self;
            ghost_dec(native); /* the caller has another */
            lt_discard(self);
        }
        else if (lt_retry(tries) < 0)
            return NULL;
    }
    return self;
}

/* One more native reference. The caller owns one, or a Python reference to the wrapper. An
 * unattached thread that owns one only increments the count. */
static inline void
ghost_retain(ghost_native *native)
{
    ghost_inc(native);
}

/* One native reference less. Runs any Python code. */
static inline void
ghost_release(ghost_native *native)
{
    lt_slot *slot = ghost_slot(native);
    ghost_body *body;
    int64_t left;

    lt_lock(slot);
    /* Read before the decrement: if there is no ghost, another thread may destroy the object
     * right after it. */
    body = lt_state(slot) == GHOST_GHOST ? ghost_body_of(native) : NULL;
    left = ghost_dec(native);
    if (left == 1 && body) { /* no wrap can ask for the ghost any more */
        GHOST_SET_WRAPPER(native, NULL);
        lt_set_state(slot, GHOST_WRAPPER);
    }
    lt_unlock(slot);
    if (left == 0) {
        lt_quiet(slot);
        ghost_free(native);
    }
    else if (left == 1 && body) {
        Py_XDECREF(body->dict);
        Py_DECREF(body->type);
        PyMem_RawFree(body);
        ghost_release(native); /* the ghost's own */
    }
}

static inline void
ghost_holder_made(ghost_native *native)
{
    lt_count_holder(ghost_slot(native), 1);
}

static inline void
ghost_holder_gone(ghost_native *native)
{
    lt_count_holder(ghost_slot(native), -1);
}

/* ---- slots, of the class and of every Python subclass --------------------------- */

/* lt_die's dying: leave a ghost, if native code can ask for it and it has something to
 * keep. Weak reference callbacks that wrap again find the ghost, not the dying wrapper. */
static inline void
ghost_dying(PyObject *self)
{
    ghost_native *native = ghost_of(self);
    PyTypeObject *type = Py_TYPE(self);
    PyObject *dict = *lt_dict(self);
    ghost_body *body = NULL;
    lt_slot *slot;

    if (native == NULL)
        return; /* lt_die calls this again when the trashcan continues; or its __new__ failed */
    lt_lock(slot = ghost_slot(native));
    if (lt_wrapper(slot) == self && lt_state(slot) == GHOST_WRAPPER) {
        if (ghost_refs(native) > 1 && (lt_python_made(type) || (dict && PyDict_GET_SIZE(dict))))
            body = (ghost_body *)PyMem_RawMalloc(sizeof *body);
        if (body) {
            Py_INCREF(type);
            body->type = type;
            body->dict = dict;
            *lt_dict(self) = NULL;
            ghost_set(self, NULL); /* its native reference is the ghost's */
            lt_set_state(slot, GHOST_GHOST);
        }
        GHOST_SET_WRAPPER(native, (PyObject *)(void *)body);
    }
    lt_unlock(slot);
}

static inline void
ghost_drop(PyObject *self)
{
    ghost_native *native = ghost_of(self);

    GHOST_EVENT(wrappers_freed);
    if (native)
        ghost_release(native);
}

static void
ghost_dealloc(PyObject *self)
{
    lt_die(self, ghost_dealloc, lt_keep_never, ghost_dying, ghost_drop);
}

/* A holder's part of its tp_traverse: a ghost that only this holder keeps is reached through
 * it, so that a cycle through the dict and the holder is garbage. */
static inline int
ghost_visit(ghost_native *native, PyObject *holder, visitproc visit, void *arg)
{
    lt_slot *slot = ghost_slot(native);

    (void)holder;
    if (lt_state(slot) == GHOST_GHOST && lt_holders(slot) == 1 && ghost_refs(native) == 2) {
        Py_VISIT(ghost_body_of(native)->type);
        Py_VISIT(ghost_body_of(native)->dict);
    }
    return 0;
}

/* tp_traverse: the type only while Python alone holds the object. Otherwise gc might clear the
 * type together with the wrapper, and the ghost would keep what is left of it. */
static int
ghost_traverse(PyObject *self, visitproc visit, void *arg)
{
    ghost_native *native = ghost_of(self);

    if (native == NULL || ghost_refs(native) == 1)
        Py_VISIT(Py_TYPE(self));
    Py_VISIT(*lt_dict(self));
    if (GHOST_VISIT_MORE(self, visit, arg))
        return 1;
    return lt_visit_slots(self, visit, arg);
}

static int
ghost_clear(PyObject *self)
{
    lt_clear(self);
    GHOST_CLEAR_MORE(self);
    return 0;
}

#endif
