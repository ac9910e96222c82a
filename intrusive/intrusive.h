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
 *     COUNTED   Python counts. The rest of the word is a delta: what unattached threads have
 *               added and subtracted, not yet in Python's count. It is stored with the offset
 *               INTRUSIVE_ZERO. The split follows biased reference counting (PEP 703)
 *     QUEUED    COUNTED, and one reference waits in the queue
 *
 *     plain -> COUNTED   intrusive_adopt, attached, with the slot's lock
 *     COUNTED -> plain   intrusive_drop: the wrapper dies, and the object with it
 *
 * Why Python's count cannot reach zero while an unattached thread has a reference: the
 * delta is zero when the count is brought up to date, and the first thread to change it then owns
 * a counted reference. An attached thread brings the count up to date before it releases. An
 * unattached thread subtracts from the delta only while a reference of this object waits in the
 * queue; an attached thread releases that one, and brings the count up to date first. So an
 * unattached thread must not take its first reference from a wrapper: an attached thread takes
 * it (intrusive_retain) and hands it over.
 *
 * Your part: once the object is COUNTED, your library changes the count by the functions below
 * alone, for its own edges too. Call lt_drain wherever Python enters your library; otherwise
 * Python's count and the delta drift apart without bound.
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

/* The delta in a word that is COUNTED. */
static inline int64_t
intrusive_delta(int64_t word)
{
    return (word & ~(INTRUSIVE_COUNTED | INTRUSIVE_QUEUED)) - INTRUSIVE_ZERO;
}

/* Native references, the wrapper's own included. Of a COUNTED object Python's are among
 * them. Of an unattached thread, and without the GIL, the answer is a guess. */
static inline int64_t
intrusive_count(intrusive_native *native)
{
    int64_t word = LT_STD(atomic_load)(intrusive_word(native));

    if (!(word & INTRUSIVE_COUNTED))
        return word;
    return Py_REFCNT(lt_wrapper(intrusive_slot(native))) + intrusive_delta(word);
}

/* Bring Python's count up to date. The caller has a reference to the wrapper. Attached.
 * At every moment Python's count is at least the number of references that have left the delta:
 * references are added before they leave it, and subtracted after, as another thread may drop its
 * own in between. */
static inline void
intrusive_update(intrusive_native *native)
{
    LT_ATOMIC(int64_t) *word = intrusive_word(native);
    int64_t now = LT_STD(atomic_load)(word), delta, added = 0;
    PyObject *wrapper = lt_wrapper(intrusive_slot(native));

    do {
        delta = intrusive_delta(now);
        for (; added < delta; added++)
            Py_INCREF(wrapper);
    } while (delta != 0 && !LT_STD(atomic_compare_exchange_weak)(word, &now, now - delta));
    for (; added > delta; added--)
        Py_DECREF(wrapper);
}

/* ---- wrap, retain, release: attached ---------------------------------------------- */

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
intrusive_new(PyTypeObject *type)
{
    return lt_new(type);
}

/* self, a new wrapper, takes over one native reference of the caller's, and owns the object
 * outright from now on: that reference leaves the count, the others become self's. false:
 * another thread was first; the reference is the caller's again, self must not refer to the
 * node any more, and intrusive_wrap returns the wrapper. With the GIL, and for a new node,
 * always true. */
static inline bool
intrusive_adopt(PyObject *self, intrusive_native *native)
{
    LT_ATOMIC(int64_t) *word = intrusive_word(native);
    lt_slot *slot = intrusive_slot(native);
    int64_t now, added = 0;

    lt_lock(slot);
    if (lt_wrapper(slot)) {
        lt_unlock(slot);
        return false;
    }
    lt_set_wrapper(slot, self); /* before COUNTED, which says that it is there */
    now = LT_STD(atomic_load)(word);
    do /* every native reference is Python's before Python counts */
        for (; added < now - 1; added++)
            Py_INCREF(self);
    while (!LT_STD(atomic_compare_exchange_weak)(word, &now, INTRUSIVE_COUNTED | INTRUSIVE_ZERO));
    lt_unlock(slot);
    for (; added > now - 1; added--) /* released meanwhile by an unattached thread */
        Py_DECREF(self);
    return true;
}

/* A new reference to the wrapper. NULL, with no exception set, if there is no wrapper. The
 * caller holds a native reference throughout. */
static inline PyObject *
intrusive_live(intrusive_native *native)
{
    PyObject *self = lt_wrapper(intrusive_slot(native));

    Py_XINCREF(self);
    return self;
}

/* native -> Python: a new reference to the wrapper. The caller holds a native reference
 * throughout. NULL with an exception. */
static inline PyObject *
intrusive_wrap(intrusive_native *native)
{
    PyObject *self = intrusive_live(native);

    return self ? self : intrusive_make(native);
}

/* One more native reference. The caller holds one, or the wrapper. */
static inline void
intrusive_retain(intrusive_native *native)
{
    LT_ATOMIC(int64_t) *word = intrusive_word(native);
    int64_t now = LT_STD(atomic_load)(word);

    /* Rejected: an addition. If the first wrapper is made meanwhile it would go to the delta,
     * and a caller that holds the wrapper alone could then drop it: Python's count would be
     * zero, and the delta not. */
    while (!(now & INTRUSIVE_COUNTED))
        if (LT_STD(atomic_compare_exchange_weak)(word, &now, now + 1))
            return;
    Py_INCREF(lt_wrapper(intrusive_slot(native)));
}

/* One native reference less. Runs any Python code. */
static inline void
intrusive_release(intrusive_native *native)
{
    LT_ATOMIC(int64_t) *word = intrusive_word(native);
    int64_t now = LT_STD(atomic_load)(word);

    /* Rejected: a subtraction, which would leave -1 in the delta if the first wrapper is made
     * meanwhile, and Python's count one too high until the next update. */
    while (!(now & INTRUSIVE_COUNTED))
        if (LT_STD(atomic_compare_exchange_weak)(word, &now, now - 1)) {
            if (now == 1) {
                lt_quiet(intrusive_slot(native));
                intrusive_free(native);
            }
            return;
        }
    intrusive_update(native);
    Py_DECREF(lt_wrapper(intrusive_slot(native)));
}

/* ---- the same for a thread that may be unattached ------------------------------- */

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
        next =
            now & INTRUSIVE_COUNTED && !(now & INTRUSIVE_QUEUED) ? now | INTRUSIVE_QUEUED : now - 1;
    while (!LT_STD(atomic_compare_exchange_weak)(word, &now, next));
    if (next > now)
        lt_hand_over(queue, intrusive_slot(native));
    if (next == 0)
        lt_quiet(intrusive_slot(native));
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
    lt_set_wrapper(intrusive_slot(native), NULL);
    LT_STD(atomic_store)(intrusive_word(native), 1);
    intrusive_release(native);
    INTRUSIVE_EVENT(wrappers_freed);
}

static void
intrusive_dealloc(PyObject *self)
{
    lt_die_as_base(self, intrusive_dealloc, intrusive_drop);
}

/* A holder's part of its tp_traverse: its own Python reference. With a delta an unattached
 * thread has references that Python's count may not show. Then nothing is visited, so that gc
 * finds an unexplained reference and keeps the wrapper. */
static inline int
intrusive_visit(intrusive_native *native, PyObject *holder, visitproc visit, void *arg)
{
    int64_t word = LT_STD(atomic_load)(intrusive_word(native));

    (void)holder;
    if (word & INTRUSIVE_COUNTED && intrusive_delta(word) == 0)
        Py_VISIT(lt_wrapper(intrusive_slot(native)));
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
