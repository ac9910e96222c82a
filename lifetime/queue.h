/* lifetime/queue.h: native references that an unattached thread gives up.
 *
 * The last native reference beside a wrapper's own must be released by an attached thread: what
 * follows destroys or flips the wrapper. An unattached thread does not attach for it (it may
 * hold a lock that __del__ wants) but pushes the object's slot on an lt_queue, and never blocks.
 *
 * Two kinds of threads release what is there, which is called a drain: every attached thread
 * that enters the library (lt_drain), and the queue's own thread, which is started by the first
 * push and waits for work. So nothing waits for the main thread, or for any call. A drain by an
 * entering thread is bounded: after LT_SLICE microseconds the queue's thread takes the rest.
 * Several threads may drain at once, each what it has taken.
 *
 * If every release is by an attached thread none of this is needed. */
#ifndef LT_QUEUE_H
#define LT_QUEUE_H

#include "lifetime.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define LT_SLICE 5000      /* microseconds: sys.getswitchinterval()'s default */
#define LT_GIVE_UP 5000000 /* microseconds that lt_disarm waits for the queue's thread */

/* One step of work for an attached thread: see lt_call_later. */
typedef struct lt_call {
    void (*run)(void *a, void *b);
    void *a, *b;
    struct lt_call *next;
} lt_call;

/* States of the queue's thread, and transitions:
 *
 *     LT_NO_THREAD -> LT_STARTING   lt_request
 *     LT_STARTING  -> LT_RUNNING    lt_request: the thread has been started
 *     LT_STARTING  -> LT_NO_THREAD  lt_request: it cannot be; the next push tries again
 *     LT_NO_THREAD, LT_RUNNING -> LT_DISARMED   lt_disarm */
enum { LT_NO_THREAD = 0, LT_STARTING, LT_RUNNING, LT_DISARMED };

/* Static and zero but for release; one for each strategy or library. Both lists are stacks: any
 * thread pushes, a drain takes the whole list. The link of the first is in the slot, so
 * pushing needs no memory and cannot fail. */
typedef struct lt_queue {
    void (*release)(lt_slot *); /* releases one native reference of the slot's object; attached */
    LT_ATOMIC(lt_slot *) slots; /* each owns slot->handed_over native references */
    LT_ATOMIC(lt_call *) calls;
    LT_ATOMIC(int) requested;   /* from a push until a drain begins */
    LT_ATOMIC(int) thread;      /* LT_NO_THREAD and so on */
    LT_ATOMIC(int64_t) pushed;  /* references and calls so far */
    LT_ATOMIC(int64_t) drained; /* of these, released and run */
    PyThread_type_lock wake;    /* released to wake the thread */
    PyThread_type_lock ended;   /* released by the thread when it ends */
} lt_queue;

/* Whether the calling thread is attached. PyGILState_Check answers 1 to every thread once
 * there has been a subinterpreter. */
static inline bool
lt_attached(void)
{
    PyThreadState *mine = PyGILState_GetThisThreadState();
#if PY_VERSION_HEX < 0x030D0000
    return mine && mine == _PyThreadState_UncheckedGet();
#else
    return mine && mine == PyThreadState_GetUnchecked();
#endif
}

/* ---- draining: attached ---------------------------------------------------------- */

/* The drains that this thread is in. One variable for all files of an extension: a drain that a
 * __del__ reaches through another file must find it. */
typedef struct lt_drain_frame {
    lt_queue *queue;
    struct lt_drain_frame *outer;
} lt_drain_frame;

#ifdef __cplusplus
inline thread_local lt_drain_frame *lt_draining;
#else
__attribute__((weak)) _Thread_local lt_drain_frame *lt_draining;
#endif

static inline bool
lt_is_draining(lt_queue *queue)
{
    lt_drain_frame *frame = lt_draining;

    while (frame && frame->queue != queue)
        frame = frame->outer;
    return frame != NULL;
}

static inline int64_t
lt_microseconds(void)
{
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline void lt_request(lt_queue *queue);

static inline void
lt_push_slot(lt_queue *queue, lt_slot *slot)
{
    slot->next = LT_STD(atomic_load_explicit)(&queue->slots, LT_STD(memory_order_relaxed));
    while (!LT_STD(atomic_compare_exchange_weak)(&queue->slots, &slot->next, slot))
        ;
}

static inline void
lt_push_call(lt_queue *queue, lt_call *call)
{
    call->next = LT_STD(atomic_load_explicit)(&queue->calls, LT_STD(memory_order_relaxed));
    while (!LT_STD(atomic_compare_exchange_weak)(&queue->calls, &call->next, call))
        ;
}

static inline lt_slot *
lt_take_slots(lt_queue *queue)
{
    lt_slot *list = LT_STD(atomic_exchange)(&queue->slots, (lt_slot *)NULL), *oldest = NULL, *next;

    for (; list; list = next) {
        next = list->next;
        list->next = oldest;
        oldest = list;
    }
    return oldest;
}

static inline lt_call *
lt_take_calls(lt_queue *queue)
{
    lt_call *list = LT_STD(atomic_exchange)(&queue->calls, (lt_call *)NULL), *oldest = NULL, *next;

    for (; list; list = next) {
        next = list->next;
        list->next = oldest;
        oldest = list;
    }
    return oldest;
}

/* Put a list, oldest first, back below what has been pushed since. Rejected: pushing it again, on
 * top of that, with which the oldest would wait for ever under a steady load. */
static inline void
lt_put_back_slots(lt_queue *queue, lt_slot *list)
{
    lt_slot *stack = NULL, *next;

    for (; list; list = next) { /* handed_over is not zero, so no other thread pushes it */
        next = list->next;
        list->next = stack;
        stack = list;
    }
    while (stack) {
        lt_slot *newer = NULL, *last;

        if (LT_STD(atomic_compare_exchange_strong)(&queue->slots, &newer, stack))
            return;
        newer = LT_STD(atomic_exchange)(&queue->slots, (lt_slot *)NULL);
        for (last = newer; last && last->next; last = last->next)
            ;
        if (last) {
            last->next = stack;
            stack = newer;
        }
    }
}

static inline void
lt_put_back_calls(lt_queue *queue, lt_call *list)
{
    lt_call *stack = NULL, *next;

    for (; list; list = next) {
        next = list->next;
        list->next = stack;
        stack = list;
    }
    while (stack) {
        lt_call *newer = NULL, *last;

        if (LT_STD(atomic_compare_exchange_strong)(&queue->calls, &newer, stack))
            return;
        newer = LT_STD(atomic_exchange)(&queue->calls, (lt_call *)NULL);
        for (last = newer; last && last->next; last = last->next)
            ;
        if (last) {
            last->next = stack;
            stack = newer;
        }
    }
}

/* Whether the slice that began at start is over; the clock is read every 8th time. */
static inline bool
lt_slice_over(int64_t start, unsigned *n)
{
    return ++*n % 8 == 0 && lt_microseconds() - start > LT_SLICE;
}

/* Run calls, and release references, oldest first, until the queue is empty or a slice is
 * over; then the rest goes back and is requested. Runs any Python code, which may push again or
 * come back here; then the outer call goes on with what was added, so that a chain of native
 * edges of any length dies in this loop and not by recursion. */
static inline void
lt_drain_slice(lt_queue *queue)
{
    lt_drain_frame frame = {queue, lt_draining};
    PyObject *type, *value, *tb;
    int64_t start = lt_microseconds();
    unsigned n = 0;
    bool over = false;
    lt_slot *slot, *next;
    lt_call *call, *after;

    lt_draining = &frame;
    PyErr_Fetch(&type, &value, &tb);
    while (!over) {
        /* requested is cleared before the exchange: a push after the exchange requests anew.
         * The other order loses a wake-up. */
        LT_STD(atomic_store)(&queue->requested, 0);
        call = lt_take_calls(queue);
        slot = lt_take_slots(queue);
        if (call == NULL && slot == NULL)
            break;
        for (; call && !over; call = after) {
            after = call->next;
            call->run(call->a, call->b);
            free(call);
            LT_STD(atomic_fetch_add)(&queue->drained, (int64_t)1);
            over = lt_slice_over(start, &n);
        }
        lt_put_back_calls(queue, call);
        for (; slot && !over; slot = next) {
            /* next is read, and handed_over cleared, before the first release: after it
             * the object may be gone, or its slot be in the queue again. */
            next = slot->next;
            slot->next = NULL;
            for (uint32_t left = LT_STD(atomic_exchange)(&slot->handed_over, (uint32_t)0); left > 0; left--) {
                queue->release(slot);
                LT_STD(atomic_fetch_add)(&queue->drained, (int64_t)1);
                over |= lt_slice_over(start, &n);
            }
        }
        lt_put_back_slots(queue, slot);
    }
    PyErr_Restore(type, value, tb);
    lt_draining = frame.outer;
    if (over)
        lt_request(queue);
}

static inline void
lt_drain_now(lt_queue *queue)
{
    if (!lt_is_draining(queue))
        lt_drain_slice(queue);
}

/* Call it wherever Python enters the library: one load where there is nothing to do. */
static inline void
lt_drain(lt_queue *queue)
{
    if (LT_STD(atomic_load_explicit)(&queue->requested, LT_STD(memory_order_relaxed)))
        lt_drain_now(queue);
}

/* ---- the queue's thread ------------------------------------------------------------ */

static inline bool
lt_queue_empty(lt_queue *queue)
{
    return !LT_STD(atomic_load)(&queue->slots) && !LT_STD(atomic_load)(&queue->calls);
}

/* Keeps its thread state from beginning to end, and is detached while it waits. Signals are for
 * other threads: a system call of theirs has to be interrupted. */
static inline void
lt_run_thread(void *arg)
{
    lt_queue *queue = (lt_queue *)arg;
    PyThread_type_lock ended = queue->ended;
    PyGILState_STATE gil;
    PyThreadState *state;
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    gil = PyGILState_Ensure();
    state = PyEval_SaveThread();
    while (LT_STD(atomic_load)(&queue->thread) != LT_DISARMED) {
        LT_STD(atomic_store)(&queue->requested, 0); /* as in lt_drain_slice */
        if (lt_queue_empty(queue)) {
            PyThread_acquire_lock(queue->wake, WAIT_LOCK);
            continue;
        }
        PyEval_RestoreThread(state);
        lt_drain_slice(queue);
        state = PyEval_SaveThread(); /* other threads' turn */
    }
    PyEval_RestoreThread(state);
    PyGILState_Release(gil);
    PyThread_release_lock(ended);
}

/* A lock that is held, or NULL. */
static inline PyThread_type_lock
lt_held_lock(void)
{
    PyThread_type_lock lock = PyThread_allocate_lock();

    if (lock)
        PyThread_acquire_lock(lock, WAIT_LOCK);
    return lock;
}

/* Have the queue's thread drain soon, unless a push has asked for it already. A drain by an
 * entering thread does not take a wake-up back; the thread then finds nothing. If no thread can
 * be started, entering threads drain, and the next push tries again. */
static inline void
lt_request(lt_queue *queue)
{
    int now = LT_NO_THREAD;

    if (LT_STD(atomic_exchange)(&queue->requested, 1) && LT_STD(atomic_load)(&queue->thread) != LT_NO_THREAD)
        return;
    if (LT_STD(atomic_compare_exchange_strong)(&queue->thread, &now, (int)LT_STARTING)) {
        if (queue->wake == NULL)
            queue->wake = lt_held_lock();
        if (queue->ended == NULL)
            queue->ended = lt_held_lock();
        if (queue->wake && queue->ended &&
            PyThread_start_new_thread(lt_run_thread, queue) != PYTHREAD_INVALID_THREAD_ID)
            LT_STD(atomic_store)(&queue->thread, (int)LT_RUNNING);
        else
            LT_STD(atomic_store)(&queue->thread, (int)LT_NO_THREAD);
    }
    else if (now == LT_RUNNING)
        PyThread_release_lock(queue->wake);
}

/* ---- handing over: attached or not --------------------------------------------------- */

/* Hand one native reference of slot's object over to the queue. The slot is pushed once,
 * however many references wait. Never blocks. */
static inline void
lt_hand_over(lt_queue *queue, lt_slot *slot)
{
    LT_STD(atomic_fetch_add)(&queue->pushed, (int64_t)1);
    if (LT_STD(atomic_fetch_add)(&slot->handed_over, (uint32_t)1) > 0)
        return; /* in the queue, or about to be pushed by the thread that came first */
    lt_push_slot(queue, slot);
    lt_request(queue);
}

/* Have run(a, b) called by an attached thread. 0, or -1 without memory. Never blocks. */
static inline int
lt_call_later(lt_queue *queue, void (*run)(void *, void *), void *a, void *b)
{
    lt_call *call = (lt_call *)malloc(sizeof *call);

    if (call == NULL)
        return -1;
    call->run = run;
    call->a = a;
    call->b = b;
    LT_STD(atomic_fetch_add)(&queue->pushed, (int64_t)1);
    lt_push_call(queue, call);
    lt_request(queue);
    return 0;
}

/* Release one native reference from a thread that may be unattached, for a library whose count
 * is a plain atomic integer. Returns the references left; at 0 the caller, who was the only
 * owner, destroys the object. While there are two, the other one may be the wrapper's, and
 * the caller's is handed over: a count alone cannot tell, and whether slot->wrapper is set may
 * change between two looks (ABA). */
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
    if (n == 1)
        lt_quiet(slot);
    return n - 1;
}

/* ---- waiting, exit, fork: attached ------------------------------------------------------ */

/* Drain, and wait, detached, until everything that had been handed over at the call has been
 * released; not inside a drain of the same thread, and no longer than microseconds. For tests,
 * and for functions that promise it. Whether all has been released. */
static inline bool
lt_drain_until(lt_queue *queue, int64_t microseconds)
{
    int64_t all = LT_STD(atomic_load)(&queue->pushed), start = lt_microseconds();

    if (lt_is_draining(queue))
        return false;
    for (long pause = 20000;; pause = pause < 1000000 ? 2 * pause : pause) {
        struct timespec nap;

        if (!lt_queue_empty(queue))
            lt_drain_slice(queue);
        if (LT_STD(atomic_load)(&queue->drained) >= all)
            return true;
        if (lt_microseconds() - start > microseconds)
            return false;
        nap.tv_sec = 0;
        nap.tv_nsec = pause;
        Py_BEGIN_ALLOW_THREADS
        nanosleep(&nap, NULL);
        Py_END_ALLOW_THREADS
    }
}

/* The interpreter is going away: what is handed over from now on is released by entering
 * threads only, and leaks with the process at last. Waits, detached, for the queue's thread to
 * end; if a __del__ keeps that for longer than LT_GIVE_UP, the thread is left behind. Call it
 * from Python's atexit; Py_AtExit is too late. */
static inline void
lt_disarm(lt_queue *queue)
{
    int now = LT_NO_THREAD;

    while (!LT_STD(atomic_compare_exchange_strong)(&queue->thread, &now, (int)LT_DISARMED)) {
        if (now == LT_DISARMED)
            return;
        if (now == LT_STARTING)
            now = LT_NO_THREAD; /* another thread is about to say how that ended */
    }
    if (now != LT_RUNNING)
        return;
    PyThread_release_lock(queue->wake);
    if (lt_draining && lt_is_draining(queue))
        return; /* called by a __del__ of the queue's thread */
    Py_BEGIN_ALLOW_THREADS
    PyThread_acquire_lock_timed(queue->ended, LT_GIVE_UP, 0);
    Py_END_ALLOW_THREADS
}

/* In the child of a fork, which has the calling thread only. Entering threads drain what was
 * there; the next push starts a thread. */
static inline void
lt_after_fork_in_child(lt_queue *queue)
{
    int64_t waiting = 0;

    for (lt_slot *slot = LT_STD(atomic_load)(&queue->slots); slot; slot = slot->next)
        waiting += LT_STD(atomic_load)(&slot->handed_over);
    for (lt_call *call = LT_STD(atomic_load)(&queue->calls); call; call = call->next)
        waiting++;
    if (LT_STD(atomic_load)(&queue->thread) != LT_DISARMED)
        LT_STD(atomic_store)(&queue->thread, (int)LT_NO_THREAD);
    queue->wake = queue->ended = NULL; /* in whatever state another thread left them */
    LT_STD(atomic_store)(&queue->requested, !lt_queue_empty(queue));
    LT_STD(atomic_store)(&queue->pushed, LT_STD(atomic_load)(&queue->drained) + waiting);
}

#endif
