/* nativedict.h: class and dict live with the native object; a wrapper is a view of them.
 *
 *     class Data:                                 # one a native object, from its first wrap on
 *         def __init__(self, cls): self.cls, self.dict = cls, {}
 *
 *     def wrap(native):
 *         if native.wrapper:
 *             return native.wrapper
 *         if not native.data:
 *             native.data = Data(MyClass)
 *         return native.data.cls.__view__(native, native.data.dict)
 *
 *     class MyClass:
 *         def __dealloc__(self):
 *             run __del__
 *             if self.native.refs > 1:
 *                 self.native.data.cls, self.native.data.dict = type(self), self.__dict__
 *             die(self)                           # weakrefs, slots
 *
 * States (slot.state, slot.wrapper) and transitions, by an attached thread with the slot's lock:
 *
 *     VIEW   slot.wrapper is the live wrapper, borrowed; or NULL. The wrapper owns one native
 *            reference
 *     DATA   there is no wrapper. slot.wrapper is the data, which owns that reference
 *
 *     VIEW -> DATA   nativedict_dying: native code holds the object
 *     DATA -> VIEW   nativedict_wrap: a new view takes the reference over
 *     DATA -> VIEW   nativedict_release from 2 to 1: the data is destroyed, then the native
 *                    object. There is no view
 *
 * While the object has a wrapper, the count goes from 1 to 2 only by a thread that holds a
 * reference to the wrapper; and from 2 to 1 only by an attached thread, in nativedict_release
 * (lifetime/queue.h).
 *
 * Define before including this file, for a native type of your own:
 *
 *     typedef struct node nativedict_native;
 *     static inline node *nativedict_of(PyObject *self);     NULL if it has none
 *     static inline void nativedict_set(PyObject *, node *); NULL: it has none any more
 *     static inline lt_slot *nativedict_slot(node *);
 *     static inline void **nativedict_data(node *);          a pointer in the node, NULL at birth
 *     static inline int64_t nativedict_refs(node *);         native references, the wrapper's too
 *     static inline int64_t nativedict_inc(node *);          count only; the new count
 *     static inline int64_t nativedict_dec(node *);          count only; the new count
 *     static inline void nativedict_free(node *);            the count is 0: destroy
 *     static PyObject *nativedict_alloc(PyTypeObject *);     an instance without native object,
 *                                                            by lt_new_quietly; NULL: MyClass's
 * Optional macros: NATIVEDICT_SET_WRAPPER(node, wrapper) where the count has a has-wrapper bit;
 * NATIVEDICT_EVENT(wrappers_freed); NATIVEDICT_VISIT_MORE(self, visit, arg) and
 * NATIVEDICT_CLEAR_MORE(self) for Python references that the node itself holds.
 *
 * List nativedict_dealloc, nativedict_traverse, nativedict_clear in the class and in every
 * native class derived from it, lt_get_class and lt_set_class as __class__ in tp_getset, and
 * make instances in tp_new by nativedict_new and nativedict_adopt. */
#ifndef NATIVEDICT_H
#define NATIVEDICT_H

#include "../lifetime/lifetime.h"

#ifndef NATIVEDICT_SET_WRAPPER
#define NATIVEDICT_SET_WRAPPER(native, self) lt_set_wrapper(nativedict_slot(native), self)
#endif
#ifndef NATIVEDICT_EVENT
#define NATIVEDICT_EVENT(what) ((void)0)
#endif
#ifndef NATIVEDICT_VISIT_MORE
#define NATIVEDICT_VISIT_MORE(self, visit, arg) 0
#endif
#ifndef NATIVEDICT_CLEAR_MORE
#define NATIVEDICT_CLEAR_MORE(self) ((void)0)
#endif

enum { NATIVEDICT_VIEW = 0, NATIVEDICT_DATA = 1 };

typedef struct {
    PyTypeObject *type; /* owned */
    PyObject *dict; /* owned; the wrapper owns another reference. NULL if PyDict_New failed: then
                           the wrapper has a dict of its own */
} nativedict_body;

static inline nativedict_body *
nativedict_body_of(nativedict_native *native)
{
    return (nativedict_body *)*nativedict_data(native);
}

/* ---- wrap, retain, release: attached ---------------------------------------------- */

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
nativedict_new(PyTypeObject *type)
{
    lt_own(type);
    return lt_new(type);
}

/* Data for a wrapper of this class, with an empty dict. NULL without memory. */
static inline nativedict_body *
nativedict_new_body(PyTypeObject *type)
{
    nativedict_body *body = (nativedict_body *)PyMem_RawCalloc(1, sizeof *body);
    bool enabled;

    if (body == NULL)
        return NULL;
    Py_INCREF(type);
    body->type = type;
    enabled =
        lt_gc_suspend(); /* up to 3.11 it may start a collection, whose code may wrap this object */
    body->dict = PyDict_New();
    lt_gc_resume(enabled);
    if (body->dict == NULL)
        PyErr_Clear();
    return body;
}

static inline void
nativedict_free_body(nativedict_body *body)
{
    if (body) {
        Py_XDECREF(body->dict);
        Py_DECREF(body->type);
        PyMem_RawFree(body);
    }
}

/* self is the wrapper, and shows the data's dict as its own. Locked. */
static inline void
nativedict_publish(PyObject *self, nativedict_native *native)
{
    nativedict_body *body = nativedict_body_of(native);

    if (body) {
        Py_XINCREF(body->dict);
        *lt_dict(self) = body->dict;
    }
    nativedict_set(self, native);
    NATIVEDICT_SET_WRAPPER(native, self);
    lt_set_state(nativedict_slot(native), NATIVEDICT_VIEW);
}

/* self, a new wrapper, takes over one native reference of the caller's. false:
 * another thread was first, and the reference is the caller's again. With the GIL, and for a new
 * node, always true. Without memory for the data self has a dict of its own, and its attributes
 * die with it. */
static inline bool
nativedict_adopt(PyObject *self, nativedict_native *native)
{
    lt_slot *slot = nativedict_slot(native);
    nativedict_body *body;
    bool first;

    lt_lock(slot);
    body = nativedict_body_of(native);
    lt_unlock(slot);
    body = body ? NULL : nativedict_new_body(Py_TYPE(self));
    lt_unbias(self);
    lt_lock(slot);
    first = lt_wrapper(slot) == NULL;
    if (first) {
        if (nativedict_body_of(native) == NULL) {
            *nativedict_data(native) = body;
            body = NULL;
        }
        nativedict_publish(self, native);
    }
    lt_unlock(slot);
    nativedict_free_body(body);
    return first;
}

/* A new reference to the wrapper. NULL, with no exception set, if there is no wrapper or its
 * count is zero. The caller holds a native reference throughout. */
static inline PyObject *
nativedict_live(nativedict_native *native)
{
    lt_slot *slot = nativedict_slot(native);
    PyObject *self;

    lt_lock(slot);
    self = lt_state(slot) == NATIVEDICT_VIEW ? lt_wrapper(slot) : NULL;
    if (self && !lt_try_incref(self)) /* locked: it cannot be destroyed meanwhile */
        self = NULL;
    lt_unlock(slot);
    return self;
}

/* The class of data without a wrapper, a new reference, or NULL. */
static inline PyTypeObject *
nativedict_class(nativedict_native *native)
{
    lt_slot *slot = nativedict_slot(native);
    PyTypeObject *type = NULL;

    lt_lock(slot);
    if (lt_state(slot) == NATIVEDICT_DATA) {
        type = nativedict_body_of(native)->type;
        Py_INCREF(type);
    }
    lt_unlock(slot);
    return type;
}

/* A view of data of this class. NULL without an exception if another thread was first. */
static inline PyObject *
nativedict_view(nativedict_native *native, PyTypeObject *type)
{
    lt_slot *slot = nativedict_slot(native);
    PyObject *self = nativedict_alloc(type);
    bool first;

    if (self == NULL)
        return NULL;
    lt_unbias(self);
    lt_lock(slot);
    first = lt_state(slot) == NATIVEDICT_DATA && nativedict_body_of(native)->type == type;
    if (first)
        nativedict_publish(self, native); /* with the data's native reference */
    lt_unlock(slot);
    if (!first) {
        lt_discard(self);
        return NULL;
    }
    return self;
}

/* native -> Python: a new reference to the live wrapper, or to a new view. The caller holds a
 * native reference throughout. NULL with an exception. */
static inline PyObject *
nativedict_wrap(nativedict_native *native)
{
    PyObject *self;

    for (int tries = 0; (self = nativedict_live(native)) == NULL; tries++) {
        PyTypeObject *type = nativedict_class(native);

        if (type) {
            self = nativedict_view(native, type);
            Py_DECREF(type);
            if (self || PyErr_Occurred())
                return self;
        }
        else if (lt_wrapper(nativedict_slot(native)) == NULL) {
            lt_lock(nativedict_slot(native));
            if (nativedict_body_of(native)) {
                type = nativedict_body_of(native)->type;
                Py_INCREF(type);
            }
            lt_unlock(nativedict_slot(native));
            self = nativedict_alloc(type);
            Py_XDECREF(type);
            if (self == NULL)
                return NULL;
            nativedict_inc(native);
            if (nativedict_adopt(self, native))
                return self;
            nativedict_dec(native); /* the caller has another */
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
nativedict_retain(nativedict_native *native)
{
    nativedict_inc(native);
}

/* One native reference less. Runs any Python code. */
static inline void
nativedict_release(nativedict_native *native)
{
    lt_slot *slot = nativedict_slot(native);
    nativedict_body *body = NULL;
    int64_t left;
    bool data;

    lt_lock(slot);
    data =
        lt_state(slot) ==
        NATIVEDICT_DATA; /* before the decrement: another thread may destroy the object right after it */
    left = nativedict_dec(native);
    if (left == 1 && data) {
        body = nativedict_body_of(native);
        *nativedict_data(native) = NULL;
        NATIVEDICT_SET_WRAPPER(native, NULL);
        lt_set_state(slot, NATIVEDICT_VIEW);
    }
    lt_unlock(slot);
    if (left == 0) {
        lt_quiet(slot);
        nativedict_free(native);
    }
    else if (body) {
        nativedict_free_body(body);
        nativedict_release(native); /* the data's own */
    }
}

static inline void
nativedict_holder_made(nativedict_native *native)
{
    lt_count_holder(nativedict_slot(native), 1);
}

static inline void
nativedict_holder_gone(nativedict_native *native)
{
    lt_count_holder(nativedict_slot(native), -1);
}

/* ---- slots, of the class and of every Python subclass --------------------------- */

/* lt_die's dying. While native code holds the object, the data takes over the native
 * reference, and what was assigned to __class__ or __dict__. */
static inline void
nativedict_dying(PyObject *self)
{
    nativedict_native *native = nativedict_of(self);
    PyTypeObject *old_type = NULL;
    PyObject *old = NULL;
    nativedict_body *body;
    lt_slot *slot;

    if (native == NULL)
        return; /* lt_die calls this again when the trashcan continues; or its __new__ failed */
    lt_lock(slot = nativedict_slot(native));
    body = nativedict_body_of(native);
    if (lt_wrapper(slot) != self)
        ; /* called before */
    else if (body == NULL || nativedict_refs(native) == 1)
        NATIVEDICT_SET_WRAPPER(native, NULL); /* see nativedict_drop */
    else {
        nativedict_set(self, NULL);
        old = body->dict;
        old_type = body->type;
        Py_XINCREF(*lt_dict(self));
        body->dict = *lt_dict(self);
        Py_INCREF(Py_TYPE(self));
        body->type = Py_TYPE(self);
        NATIVEDICT_SET_WRAPPER(native, (PyObject *)(void *)body);
        lt_set_state(slot, NATIVEDICT_DATA);
    }
    lt_unlock(slot);
    Py_XDECREF(old);
    Py_XDECREF(old_type);
}

/* lt_die's drop. self still owns the native reference if there was no data, or if no other
 * native reference was left. If it is the last one, the data is destroyed first. */
static inline void
nativedict_drop(PyObject *self)
{
    nativedict_native *native = nativedict_of(self);

    NATIVEDICT_EVENT(wrappers_freed);
    if (native == NULL)
        return;
    if (nativedict_refs(native) == 1) {
        nativedict_body *body = nativedict_body_of(native);

        *nativedict_data(native) = NULL;
        nativedict_free_body(body);
    }
    nativedict_release(native);
}

static void
nativedict_dealloc(PyObject *self)
{
    lt_die(self, nativedict_dealloc, lt_keep_never, nativedict_dying, nativedict_drop);
}

/* A holder's part of its tp_traverse: data without a wrapper that only this holder keeps. */
static inline int
nativedict_visit(nativedict_native *native, PyObject *holder, visitproc visit, void *arg)
{
    lt_slot *slot = nativedict_slot(native);
    nativedict_body *body = nativedict_body_of(native);

    (void)holder;
    if (lt_state(slot) == NATIVEDICT_DATA && body && lt_holders(slot) == 1 &&
        nativedict_refs(native) == 2) {
        Py_VISIT(body->type);
        Py_VISIT(body->dict);
    }
    return 0;
}

/* tp_traverse: wrapper and data each own a reference to the dict and to the type. While Python
 * alone holds the object gc sees both, so that cycles through the dict are garbage. While other
 * native references exist, gc sees the wrapper's reference to the dict, but neither the data's
 * references nor the wrapper's to its type, which the data may still take over. */
static int
nativedict_traverse(PyObject *self, visitproc visit, void *arg)
{
    nativedict_native *native = nativedict_of(self);
    nativedict_body *body = native ? nativedict_body_of(native) : NULL;

    Py_VISIT(*lt_dict(self));
    if (lt_visit_slots(self, visit, arg))
        return 1;
    if (native && nativedict_refs(native) > 1)
        return 0;
    Py_VISIT(Py_TYPE(self));
    if (body && lt_wrapper(nativedict_slot(native)) == self) {
        Py_VISIT(body->type);
        Py_VISIT(body->dict);
    }
    return NATIVEDICT_VISIT_MORE(self, visit, arg);
}

/* tp_clear. While native code holds the object, it clears __slots__ alone: class and dict belong
 * to the data. */
static int
nativedict_clear(PyObject *self)
{
    nativedict_native *native = nativedict_of(self);
    nativedict_body *body = native ? nativedict_body_of(native) : NULL;

    if (native && nativedict_refs(native) > 1) {
        lt_clear_slots(self);
        return 0;
    }
    lt_clear(self);
    if (body && lt_wrapper(nativedict_slot(native)) == self)
        Py_CLEAR(body->dict);
    NATIVEDICT_CLEAR_MORE(self);
    return 0;
}

#endif
