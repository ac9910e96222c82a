/* lifetime/queue.h: native references that a thread without the GIL gives up.
 *
 * The last native reference beside a wrapper's own must be released with the GIL: what
 * follows destroys or flips the wrapper. A thread without the GIL does not wait for it
 * (it may hold a lock that __del__ wants) but pushes the object's slot on an lt_queue; the
 * next thread with the GIL releases what is there.
 *
 * With the GIL every release is immediate, and none of this is needed. */
#ifndef LT_QUEUE_H
#define LT_QUEUE_H

#include "lifetime.h"

#include <stdlib.h>

/* One step of work for a thread with the GIL: see lt_call_later. */
typedef struct lt_call {
    void (*run)(void *a, void *b);
    void *a, *b;
    struct lt_call *next;
} lt_call;

/* Static, one for each strategy or library. Both lists are stacks: any thread pushes, a
 * thread with the GIL takes the whole list. The link of the first is in the slot, so
 * pushing needs no memory and cannot fail. */
typedef struct lt_queue {
    void (*release)(lt_slot *); /* releases one native reference of the slot's object; GIL */
    LT_ATOMIC(lt_slot *) slots; /* each owns slot->handed_over native references */
    LT_ATOMIC(lt_call *) calls;
    LT_ATOMIC(int) requested;   /* a pending call that drains is on its way */
    LT_ATOMIC(int) disarmed;    /* the interpreter is going away: request no more */
    int draining;               /* GIL: a thread is in lt_drain_all */
    int64_t drained;            /* GIL: references released by lt_drain_all so far */
} lt_queue;

/* Whether the calling thread has the GIL. PyGILState_Check answers 1 to every thread once
 * there has been a subinterpreter. */
static inline bool
lt_have_gil(void)
{
    PyThreadState *mine = PyGILState_GetThisThreadState();
#if PY_VERSION_HEX < 0x030D0000
    return mine && mine == _PyThreadState_UncheckedGet();
#else
    return mine && mine == PyThreadState_GetUnchecked();
#endif
}

/* Py_AddPendingCall for a thread without the GIL. Up to 3.11 CPython's own reads the
 * thread state of the thread that has the GIL, which may be freed meanwhile; the private
 * function below it does not. -1 when the list is full or there is no interpreter. */
#if PY_VERSION_HEX < 0x030C0000
#ifdef __cplusplus
extern "C"
#else
extern
#endif
int _PyEval_AddPendingCall(PyInterpreterState *, int (*)(void *), void *);
#endif

static inline int
lt_add_pending_call(int (*run)(void *), void *arg)
{
#if PY_VERSION_HEX < 0x030C0000
    PyInterpreterState *main = PyInterpreterState_Main();
    return main ? _PyEval_AddPendingCall(main, run, arg) : -1;
#else
    return Py_AddPendingCall(run, arg);
#endif
}

/* ---- draining: with the GIL -------------------------------------------------- */

static inline lt_slot *
lt_oldest_slot_first(lt_slot *list)
{
    lt_slot *oldest = NULL, *next;

    for (; list; list = next) {
        next = list->next;
        list->next = oldest;
        oldest = list;
    }
    return oldest;
}

static inline void
lt_run_calls(lt_queue *queue)
{
    lt_call *list = LT_STD(atomic_exchange)(&queue->calls, (lt_call *)NULL), *oldest = NULL, *next;

    for (; list; list = next) {
        next = list->next;
        list->next = oldest;
        oldest = list;
    }
    for (; oldest; oldest = next) {
        next = oldest->next;
        oldest->run(oldest->a, oldest->b);
        free(oldest);
    }
}

/* Release every reference in the queue, oldest first. Runs any Python code, which may push
 * again or come back here; then the outer call goes on with what was added, so that a
 * chain of native edges of any length dies in this loop and not by recursion. */
static inline void
lt_drain_all(lt_queue *queue)
{
    lt_slot *slot, *next;
    PyObject *type, *value, *tb;

    if (queue->draining)
        return;
    queue->draining = 1;
    PyErr_Fetch(&type, &value, &tb);
    /* requested is cleared before the exchange: a push after the exchange requests anew.
     * The other order loses a wake-up. */
    while (LT_STD(atomic_store)(&queue->requested, 0),
           (slot = LT_STD(atomic_exchange)(&queue->slots, (lt_slot *)NULL)) ||
               LT_STD(atomic_load)(&queue->calls)) {
        lt_run_calls(queue);
        for (slot = lt_oldest_slot_first(slot); slot; slot = next) {
            /* next is read, and handed_over cleared, before the first release: after it
             * the object may be gone, or its slot be in the queue again. */
            next = slot->next;
            slot->next = NULL;
            for (uint32_t n = LT_STD(atomic_exchange)(&slot->handed_over, (uint32_t)0); n > 0; n--) {
                queue->drained++;
                queue->release(slot);
            }
        }
    }
    PyErr_Restore(type, value, tb);
    queue->draining = 0;
}

/* Call it wherever Python enters the library. One load each where there is nothing. */
static inline void
lt_drain(lt_queue *queue)
{
    if (LT_STD(atomic_load_explicit)(&queue->slots, LT_STD(memory_order_relaxed)) ||
        LT_STD(atomic_load_explicit)(&queue->calls, LT_STD(memory_order_relaxed)))
        lt_drain_all(queue);
}

static inline int
lt_drain_pending(void *queue)
{
    lt_drain((lt_queue *)queue);
    return 0;
}

/* ---- handing over: with or without the GIL ------------------------------------- */

/* Have a thread with the GIL drain soon, unless a pending call is on its way. When
 * CPython's list is full (32 entries up to 3.12) the next push requests again. Up to 3.12
 * the main thread notices a pending call when it next takes the GIL. */
static inline void
lt_request(lt_queue *queue)
{
    if (LT_STD(atomic_load)(&queue->disarmed) || LT_STD(atomic_exchange)(&queue->requested, 1))
        return;
    if (lt_add_pending_call(lt_drain_pending, queue) < 0)
        LT_STD(atomic_store)(&queue->requested, 0);
}

/* Hand one native reference of slot's object over to the queue. The slot is pushed once,
 * however many references wait. Never blocks. */
static inline void
lt_hand_over(lt_queue *queue, lt_slot *slot)
{
    if (LT_STD(atomic_fetch_add)(&slot->handed_over, (uint32_t)1) > 0)
        return; /* in the queue, or about to be pushed by the thread that came first */
    slot->next = LT_STD(atomic_load_explicit)(&queue->slots, LT_STD(memory_order_relaxed));
    while (!LT_STD(atomic_compare_exchange_weak)(&queue->slots, &slot->next, slot))
        ;
    lt_request(queue);
}

/* Have run(a, b) called with the GIL. 0, or -1 without memory. Never blocks. */
static inline int
lt_call_later(lt_queue *queue, void (*run)(void *, void *), void *a, void *b)
{
    lt_call *call = (lt_call *)malloc(sizeof *call);

    if (call == NULL)
        return -1;
    call->run = run;
    call->a = a;
    call->b = b;
    call->next = LT_STD(atomic_load_explicit)(&queue->calls, LT_STD(memory_order_relaxed));
    while (!LT_STD(atomic_compare_exchange_weak)(&queue->calls, &call->next, call))
        ;
    lt_request(queue);
    return 0;
}

/* Release one native reference from a thread that may lack the GIL, for a library whose
 * count is a plain atomic integer. Returns the references left; at 0 the caller, who was
 * the only owner, destroys the object. While there are two, the other one may be the
 * wrapper's, and the caller's is handed over: a count alone cannot tell, and whether
 * slot->wrapper is set may change between two looks (ABA). */
static inline int64_t
lt_release_unattached(lt_queue *queue, lt_slot *slot, LT_ATOMIC(int64_t) *refs)
{
    int64_t n = LT_STD(atomic_load)(refs);

    do {
        if (n == 2) {
            lt_hand_over(queue, slot);
            return 1;
        }
    } while (!LT_STD(atomic_compare_exchange_weak)(refs, &n, n - 1));
    return n - 1;
}

/* The interpreter is going away: what is handed over from now on stays in the queue, and
 * leaks with the process. Call it from Python's atexit; Py_AtExit is too late. */
static inline void
lt_disarm(lt_queue *queue)
{
    LT_STD(atomic_store)(&queue->disarmed, 1);
}

/* In the child of a fork: the thread that was draining, or had promised to, is not there. */
static inline void
lt_after_fork_in_child(lt_queue *queue)
{
    queue->draining = 0;
    LT_STD(atomic_store)(&queue->requested, 0);
}

#endif
