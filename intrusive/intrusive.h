/* intrusive.h: once there is a wrapper, Python's reference count is the native count.
 *
 *     def adopt(self, native):                   # the first wrapper, and the only one
 *         native.wrapper = self
 *         self.refcount += native.refs - 1       # native references are Python references now
 *         native.word = COUNTED
 *
 *     def retain(native):  incref(native.wrapper)
 *     def release(native): decref(native.wrapper)    # at zero wrapper and object die together
 *
 *     def wrap(native):
 *         return native.wrapper or make(native)
 *
 * States of the native object's word, and transitions:
 *
 *     plain     no wrapper: the word is the count, changed by any thread
 *     COUNTED   Python counts. The rest of the word is a delta, INTRUSIVE_ZERO for none:
 *               what threads without the GIL have added and subtracted, not yet in Python's
 *               count (a biased reference count)
 *     QUEUED    COUNTED, and one reference waits in the queue
 *
 *     plain -> COUNTED   intrusive_adopt, with the GIL
 *     COUNTED -> plain   intrusive_drop: the wrapper dies, and the object with it
 *
 * Why Python's count cannot reach zero while a thread without the GIL has a reference: the
 * delta is zero when the count is brought up to date, and from then on only owners of counted
 * references change it. Such a reference goes in two ways: with the GIL, which brings the
 * count up to date first; or into the delta, and then the last one goes by the queue, which
 * is with the GIL again. So a thread without the GIL must not take its first reference from a
 * wrapper: a thread with the GIL takes it (intrusive_retain) and hands it over. A thread with
 * the GIL drains before it takes references, or the two parts drift apart without bound.
 *
 * Define before including this file, for a native type of your own:
 *
 *     typedef struct node intrusive_native;
 *     static inline node *intrusive_of(PyObject *self);      NULL until you set it before intrusive_adopt
 *     static inline lt_slot *intrusive_slot(node *);
 *     static inline LT_ATOMIC(int64_t) *intrusive_word(node *);
 *     static inline void intrusive_free(node *);             the count is 0: destroy
 *     static PyObject *intrusive_make(node *);               a wrapper for a node born in native
 *                                                            code; see intrusive_adopt
 * Optional macros: INTRUSIVE_EVENT(wrappers_freed); INTRUSIVE_VISIT_MORE(self, visit, arg) and
 * INTRUSIVE_CLEAR_MORE(self) for Python references that the node itself holds.
 *
 * List intrusive_dealloc, intrusive_traverse, intrusive_clear in the class, and make
 * instances in tp_new by intrusive_new and intrusive_adopt. */
#ifndef INTRUSIVE_H
#define INTRUSIVE_H

#include "../lifetime/queue.h"

#ifndef INTRUSIVE_EVENT
#define INTRUSIVE_EVENT(what) ((void)0)
#endif
#ifndef INTRUSIVE_VISIT_MORE
#define INTRUSIVE_VISIT_MORE(self, visit, arg) 0
#endif
#ifndef INTRUSIVE_CLEAR_MORE
#define INTRUSIVE_CLEAR_MORE(self) ((void)0)
#endif

#define INTRUSIVE_COUNTED (INT64_C(1) << 61)
#define INTRUSIVE_QUEUED (INT64_C(1) << 60)
#define INTRUSIVE_ZERO (INT64_C(1) << 40)

static inline bool
intrusive_counted(intrusive_native *native)
{
    return LT_STD(atomic_load_explicit)(intrusive_word(native), LT_STD(memory_order_relaxed)) &
           INTRUSIVE_COUNTED;
}

/* The delta in a word that is COUNTED. */
static inline int64_t
intrusive_delta(int64_t word)
{
    return (word & ~(INTRUSIVE_COUNTED | INTRUSIVE_QUEUED)) - INTRUSIVE_ZERO;
}

/* Native references, the wrapper's own included. Of a COUNTED object Python's are among
 * them, and without the GIL the answer is a guess. */
static inline int64_t
intrusive_count(intrusive_native *native)
{
    int64_t word = LT_STD(atomic_load)(intrusive_word(native));

    if (!(word & INTRUSIVE_COUNTED))
        return word;
    return Py_REFCNT(intrusive_slot(native)->wrapper) + intrusive_delta(word);
}

/* Bring Python's count up to date. The caller has a reference to the wrapper. GIL. */
static inline void
intrusive_update(intrusive_native *native)
{
    LT_ATOMIC(int64_t) *word = intrusive_word(native);
    int64_t now = LT_STD(atomic_load)(word), delta;

    do {
        delta = intrusive_delta(now);
        if (delta == 0)
            return;
    } while (!LT_STD(atomic_compare_exchange_weak)(word, &now, now - delta));
    for (; delta > 0; delta--)
        Py_INCREF(intrusive_slot(native)->wrapper);
    for (; delta < 0; delta++)
        Py_DECREF(intrusive_slot(native)->wrapper);
}

/* ---- wrap, retain, release: with the GIL -------------------------------------- */

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
intrusive_new(PyTypeObject *type)
{
    return lt_new(type);
}

/* self, a new wrapper, takes over one native reference of the caller's, and owns the object
 * outright from now on: that reference leaves the count, the others become self's. */
static inline void
intrusive_adopt(PyObject *self, intrusive_native *native)
{
    int64_t others;

    intrusive_slot(native)->wrapper = self;
    others = LT_STD(atomic_exchange)(intrusive_word(native), INTRUSIVE_COUNTED | INTRUSIVE_ZERO) - 1;
    while (others-- > 0)
        Py_INCREF(self);
}

/* native -> Python: a new reference to the wrapper. The caller holds a native reference
 * throughout. NULL with an exception. */
static inline PyObject *
intrusive_wrap(intrusive_native *native)
{
    PyObject *self = intrusive_slot(native)->wrapper;

    if (self == NULL)
        return intrusive_make(native);
    Py_INCREF(self);
    return self;
}

/* One more native reference. The caller holds one, or the wrapper. */
static inline void
intrusive_retain(intrusive_native *native)
{
    if (intrusive_counted(native))
        Py_INCREF(intrusive_slot(native)->wrapper);
    else
        LT_STD(atomic_fetch_add_explicit)(intrusive_word(native), 1, LT_STD(memory_order_relaxed));
}

/* One native reference less. Runs any Python code. */
static inline void
intrusive_release(intrusive_native *native)
{
    if (intrusive_counted(native)) {
        intrusive_update(native);
        Py_DECREF(intrusive_slot(native)->wrapper);
    }
    else if (LT_STD(atomic_fetch_sub)(intrusive_word(native), 1) == 1)
        intrusive_free(native);
}

/* ---- the same for a thread that may lack the GIL -------------------------------- */

/* One more native reference. The caller holds one: a wrapper is not enough. Adding 1 is
 * right in both states. */
static inline void
intrusive_retain_unattached(intrusive_native *native)
{
    LT_STD(atomic_fetch_add)(intrusive_word(native), 1);
}

/* One native reference less. false: it was the last of an object without a wrapper, and the
 * caller destroys the object. */
static inline bool
intrusive_release_unattached(intrusive_native *native, lt_queue *queue)
{
    LT_ATOMIC(int64_t) *word = intrusive_word(native);
    int64_t now = LT_STD(atomic_load)(word), next;

    do
        next = now & INTRUSIVE_COUNTED && !(now & INTRUSIVE_QUEUED) ? now | INTRUSIVE_QUEUED : now - 1;
    while (!LT_STD(atomic_compare_exchange_weak)(word, &now, next));
    if (next > now)
        lt_hand_over(queue, intrusive_slot(native));
    return next != 0;
}

/* The queue's release: see lt_queue. */
static inline void
intrusive_release_queued(intrusive_native *native)
{
    LT_STD(atomic_fetch_and)(intrusive_word(native), ~INTRUSIVE_QUEUED);
    intrusive_release(native);
}

/* ---- slots of the class --------------------------------------------------------- */

/* The wrapper dies, so nothing holds the object: back to a plain count, of the wrapper's
 * own reference. */
static inline void
intrusive_drop(PyObject *self)
{
    intrusive_native *native = intrusive_of(self);

    if (native == NULL)
        return; /* its __new__ failed */
    intrusive_slot(native)->wrapper = NULL;
    LT_STD(atomic_store)(intrusive_word(native), 1);
    intrusive_release(native);
    INTRUSIVE_EVENT(wrappers_freed);
}

static void
intrusive_dealloc(PyObject *self)
{
    lt_die_as_base(self, intrusive_dealloc, intrusive_drop);
}

/* A holder's part of its tp_traverse: its own Python reference. With a delta a thread without
 * the GIL has references that Python's count may not show; then gc finds too many. */
static inline int
intrusive_visit(intrusive_native *native, PyObject *holder, visitproc visit, void *arg)
{
    int64_t word = LT_STD(atomic_load)(intrusive_word(native));

    (void)holder;
    if (word & INTRUSIVE_COUNTED && intrusive_delta(word) == 0)
        Py_VISIT(intrusive_slot(native)->wrapper);
    return 0;
}

/* tp_traverse and tp_clear. */
static int
intrusive_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (INTRUSIVE_VISIT_MORE(self, visit, arg))
        return 1;
    return lt_traverse_as_base(self, visit, arg);
}

static int
intrusive_clear(PyObject *self)
{
    lt_clear_as_base(self);
    INTRUSIVE_CLEAR_MORE(self);
    return 0;
}

#endif
