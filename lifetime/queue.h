/* lifetime/queue.h: native references that unattached threads hand over.
 *
 * The last native reference beside a wrapper's own must be released by an attached thread,
 * because the release destroys or flips the wrapper. An unattached thread does not attach for it
 * (it may hold a lock that __del__ wants) but pushes the object's slot on an lt_queue, and never
 * blocks.
 *
 * Two kinds of threads release what is in the queue, which is called a drain: every attached
 * thread that enters the library (lt_drain), and the queue's own thread, which is started by the
 * first push and waits for work. So no release waits for the main thread, or for a call. A drain
 * by an entering thread is bounded: after LT_SLICE microseconds the queue's thread takes the
 * rest, and what the drain itself has caused; a release that takes longer may leave the rest to it
 * (lt_leave). Several threads may drain at once, each what it has taken. No thread holds the GIL for
 * longer than a slice and one release.
 *
 * An extension that releases on attached threads only needs none of this. */
#ifndef LT_QUEUE_H
#define LT_QUEUE_H

#include "lifetime.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define LT_SLICE 1000      /* microseconds */
#define LT_NAP 50          /* microseconds between two slices, see lt_nap */
#define LT_FEW 1000        /* slots, of which the order is reversed without detaching */
#define LT_GIVE_UP 5000000 /* microseconds that lt_disarm waits for the queue's thread */

/* One step of work for an attached thread: see lt_call_later. In the queue it is a slot to which no
 * reference has been handed over. */
typedef struct lt_call {
    lt_slot slot;
    void (*run)(void *a, void *b);
    void *a, *b;
} lt_call;

/* States of the queue's thread, and transitions:
 *
 *     LT_NO_THREAD -> LT_STARTING   lt_request
 *     LT_STARTING  -> LT_RUNNING    lt_run_thread, before it looks at the queue
 *     LT_STARTING  -> LT_NO_THREAD  lt_request: it cannot be started; the next push tries again
 *     LT_RUNNING   -> LT_NO_THREAD  lt_after_fork_in_child
 *     LT_NO_THREAD, LT_RUNNING -> LT_DISARMED   lt_disarm */
enum { LT_NO_THREAD = 0, LT_STARTING, LT_RUNNING, LT_DISARMED };

/* Static and zero but for release; one for each strategy or library. Any thread pushes onto a
 * stack, of which a drain takes all. The link is in the slot, so pushing needs no memory and
 * cannot fail. */
typedef struct lt_queue {
    void (*release)(lt_slot *); /* releases one native reference of the slot's object; attached */
    LT_ATOMIC(lt_slot *) slots; /* each owns slot->handed_over native references; newest first */
    LT_ATOMIC(lt_slot *) rest;  /* the rest of a slice; oldest first */
    LT_ATOMIC(int) requested;   /* from a push until a drain begins */
    LT_ATOMIC(int) thread;      /* LT_NO_THREAD and so on */
    LT_ATOMIC(int64_t) pushed;  /* references and calls so far */
    LT_ATOMIC(int64_t) drained; /* of these, released and run */
    LT_ATOMIC(int64_t) longest; /* microseconds of the longest slice, see lt_detach */
    PyThread_type_lock wake;    /* released to wake the thread */
    LT_ATOMIC(int) woken;       /* wake is released, and the thread has not got it yet */
    PyThread_type_lock ended;   /* released by the thread when it ends */
} lt_queue;

/* Whether the calling thread is attached. Not PyGILState_Check, which returns 1 on every
 * thread once there has been a subinterpreter. */
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

/* The scopes that this thread is in: see lt_begin. One variable for all files of an extension: a
 * drain that a __del__ reaches through another file must find it. */
typedef struct lt_scope {
    lt_queue *queue;
    struct lt_scope *outer;
    lt_slot *slots, **last; /* handed over by this thread, oldest first */
    int64_t start;          /* of the slice, in microseconds; 0: it begins when the clock is read */
    bool entering;          /* a drain by an entering thread */
    bool left;              /* it has left work to the queue's thread, and ends: see lt_leave */
} lt_scope;

#ifdef __cplusplus
inline thread_local lt_scope *lt_innermost;
#else
__attribute__((weak)) _Thread_local lt_scope *lt_innermost;
#endif

/* This thread's scope of a queue, or NULL. */
static inline lt_scope *
lt_scope_of(lt_queue *queue)
{
    lt_scope *scope = lt_innermost;

    while (scope && scope->queue != queue)
        scope = scope->outer;
    return scope;
}

static inline int64_t
lt_microseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline void lt_request(lt_queue *queue);

static inline void
lt_push(lt_queue *queue, lt_slot *slot)
{
    slot->next = LT_STD(atomic_load_explicit)(&queue->slots, LT_STD(memory_order_relaxed));
    while (!LT_STD(atomic_compare_exchange_weak)(&queue->slots, &slot->next, slot))
        ;
}

/* Between two slices, detached: a thread that waits for the GIL wakes up and takes it. Without a nap
 * this thread has taken it again before, and its unlocking has begun the other's interval
 * (sys.getswitchinterval()) anew: a slice is shorter, so the other never asks for the GIL. */
static inline void
lt_nap(void)
{
    struct timespec nap = {0, LT_NAP * 1000};

    nanosleep(&nap, NULL);
}

/* Whether the scope's slice is over; the clock is read every 8th time. */
static inline bool
lt_slice_over(lt_scope *scope, unsigned *n)
{
    int64_t now;

    if (++*n % 8)
        return false;
    now = lt_microseconds();
    if (scope->start == 0)
        scope->start = now;
    return now - scope->start > LT_SLICE;
}

/* A slice has ended, and the next begins when the clock is read. */
static inline void
lt_slice_ended(lt_scope *scope)
{
    lt_queue *queue = scope->queue;
    int64_t longest = LT_STD(atomic_load)(&queue->longest);
    int64_t took = scope->start ? lt_microseconds() - scope->start : 0;

    while (took > longest && !LT_STD(atomic_compare_exchange_weak)(&queue->longest, &longest, took))
        ;
    scope->start = 0;
}

/* For a release that takes long: PyEval_SaveThread, which ends the slice. The next begins after
 * PyEval_RestoreThread, when the clock is read. */
static inline PyThreadState *
lt_detach(void)
{
    for (lt_scope *scope = lt_innermost; scope; scope = scope->outer)
        lt_slice_ended(scope);
    return PyEval_SaveThread();
}

/* Within a release that takes long and is for an attached thread: a thread that waits for the GIL
 * gets it, and executes any Python code. */
static inline void
lt_let_others(void)
{
    PyThreadState *state = lt_detach();

    lt_nap();
    PyEval_RestoreThread(state);
}

/* All that is in the queue, or the rest of a slice; oldest first. NULL: nothing. Detaches while it
 * reverses the order of many. */
static inline lt_slot *
lt_take(lt_queue *queue)
{
    lt_slot *oldest = NULL, *list, *next;
    PyThreadState *detached = NULL;
    unsigned n = 0;

    if (LT_STD(atomic_load)(&queue->rest) &&
        (list = LT_STD(atomic_exchange)(&queue->rest, (lt_slot *)NULL)))
        return list;
    for (list = LT_STD(atomic_exchange)(&queue->slots, (lt_slot *)NULL); list; list = next) {
        next = list->next;
        list->next = oldest;
        oldest = list;
        if (++n == LT_FEW)
            detached = lt_detach();
    }
    if (detached)
        PyEval_RestoreThread(detached);
    return oldest;
}

/* Put the rest of a slice back. handed_over is not zero, so no other thread pushes these. May
 * detach: pushing needs no thread state. */
static inline void
lt_put_back(lt_queue *queue, lt_slot *list)
{
    lt_slot *none = NULL, *next;

    if (LT_STD(atomic_compare_exchange_strong)(&queue->rest, &none, list))
        return;
    Py_BEGIN_ALLOW_THREADS
    for (; list; list = next) { /* another thread has put its rest there */
        next = list->next;
        lt_push(queue, list);
    }
    Py_END_ALLOW_THREADS
}

/* Release what slot owns in the queue, or run the call. handed_over is cleared before the first
 * release: after it the object may be destroyed (use after free), or its slot may be in the queue
 * again. */
static inline void
lt_handle(lt_queue *queue, lt_slot *slot)
{
    uint32_t left = LT_STD(atomic_exchange)(&slot->handed_over, (uint32_t)0);

    if (left == 0) {
        lt_call *call = (lt_call *)(void *)slot;

        call->run(call->a, call->b);
        free(call);
        left = 1;
    }
    else
        for (uint32_t n = left; n > 0; n--)
            queue->release(slot);
    LT_STD(atomic_fetch_add)(&queue->drained, (int64_t)left);
}

/* Between lt_begin and lt_end this thread hands over to the scope, and lt_end releases that. So
 * what an attached thread releases is released when it returns, without another thread; and a
 * chain of native edges of any length dies in the loop of lt_end, not by recursion.
 * Within a scope of the same queue lt_begin returns false, and there is no lt_end. */
static inline bool
lt_begin(lt_queue *queue, lt_scope *scope)
{
    if (lt_scope_of(queue))
        return false;
    scope->queue = queue;
    scope->outer = lt_innermost;
    scope->slots = NULL;
    scope->last = &scope->slots;
    scope->start = 0;
    scope->entering = scope->left = false;
    lt_innermost = scope;
    return true;
}

/* Runs any Python code, and keeps a pending exception. Detaches for a moment after each slice: a
 * thread that waits for the GIL gets it, as from CPython's bytecode loop. */
static inline void
lt_end(lt_scope *scope)
{
    lt_queue *queue = scope->queue;
    PyObject *type = NULL, *value = NULL, *tb = NULL;
    bool any = scope->slots != NULL;
    unsigned n = 0;
    lt_slot *slot;

    if (any)
        PyErr_Fetch(&type, &value, &tb);
    while ((slot = scope->slots) != NULL) {
        scope->slots = slot->next;
        if (scope->slots == NULL)
            scope->last = &scope->slots;
        lt_handle(queue, slot);
        if (lt_slice_over(scope, &n)) {
            lt_let_others();
        }
    }
    lt_slice_ended(scope);
    if (any)
        PyErr_Restore(type, value, tb);
    lt_innermost = scope->outer;
}

/* What this thread has handed over in the scope so far, oldest first. NULL: nothing. */
static inline lt_slot *
lt_take_scope(lt_scope *scope)
{
    lt_slot *list = scope->slots;

    scope->slots = NULL;
    scope->last = &scope->slots;
    return list;
}

/* Run calls, and release references, oldest first, and what these hand over, until there is nothing
 * left or a slice is over; then the rest goes back and is requested. Runs any Python code, which may
 * push again. Not within a scope of the queue: the outer call goes on with what was added. */
static inline void
lt_drain_slice(lt_queue *queue, bool entering)
{
    PyObject *type, *value, *tb;
    unsigned n = 0;
    bool over = false;
    lt_scope scope;
    lt_slot *slot = NULL, *next;

    if (!lt_begin(queue, &scope))
        return;
    scope.start = lt_microseconds();
    scope.entering = entering;
    PyErr_Fetch(&type, &value, &tb);
    /* requested is cleared before the queue is read: a push after the read requests again. The
     * other order is a lost wake-up. */
    while (!over) {
        LT_STD(atomic_store)(&queue->requested, 0);
        slot = lt_take(queue);
        if (slot == NULL && (slot = lt_take_scope(&scope)) == NULL)
            break;
        for (; slot && !over; slot = next) {
            next = slot->next; /* read before the object is gone */
            lt_handle(queue, slot);
            over = scope.left || lt_slice_over(&scope, &n);
        }
    }
    lt_slice_ended(&scope);
    *scope.last = slot; /* before the rest: the end of that is not known */
    if ((slot = lt_take_scope(&scope)) != NULL)
        lt_put_back(queue, slot);
    lt_end(&scope);
    PyErr_Restore(type, value, tb);
    if (over)
        lt_request(queue);
}

/* Whether lt_drain has something to do. */
static inline bool
lt_drain_requested(lt_queue *queue)
{
    return LT_STD(atomic_load_explicit)(&queue->requested, LT_STD(memory_order_relaxed)) != 0;
}

/* Call it wherever Python enters the library: one load if the queue is empty. */
static inline void
lt_drain(lt_queue *queue)
{
    if (lt_drain_requested(queue))
        lt_drain_slice(queue, true);
}

/* ---- the queue's thread ------------------------------------------------------------ */

static inline bool
lt_queue_empty(lt_queue *queue)
{
    return !LT_STD(atomic_load)(&queue->slots) && !LT_STD(atomic_load)(&queue->rest);
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

    /* Stored first, and by this thread. If the starter stored it, and were suspended before
     * that, a push that finds LT_STARTING while this thread goes to sleep would wake no thread
     * (lost wake-up). */
    LT_STD(atomic_store)(&queue->thread, (int)LT_RUNNING);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    gil = PyGILState_Ensure();
    state = PyEval_SaveThread();
    while (LT_STD(atomic_load)(&queue->thread) != LT_DISARMED) {
        LT_STD(atomic_store)(&queue->requested, 0); /* as in lt_drain_slice */
        if (lt_queue_empty(queue)) {
            PyThread_acquire_lock(queue->wake, WAIT_LOCK);
            LT_STD(atomic_store)(&queue->woken, 0); /* then it looks at the queue: see lt_wake */
            continue;
        }
        LT_STD(atomic_store)(&queue->requested, 1); /* a thread that has the GIL drains meanwhile */
        PyEval_RestoreThread(state);
        lt_drain_slice(queue, false);
        state = PyEval_SaveThread(); /* other threads' turn */
        if (!lt_queue_empty(queue))
            lt_nap();
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

/* Once until the thread has woken up: from 3.15 on CPython aborts when a lock that is not held is
 * released. What was pushed before a wake-up that is left out the thread finds, because it looks
 * at the queue after it has cleared woken. */
static inline void
lt_wake(lt_queue *queue)
{
    if (!LT_STD(atomic_exchange)(&queue->woken, 1))
        PyThread_release_lock(queue->wake);
}

/* Have the queue's thread drain soon, unless a push has asked for it already. A drain by an
 * entering thread does not cancel the wake-up; the thread then finds an empty queue. If no thread
 * can be started, entering threads drain, and the next push tries again. */
static inline void
lt_request(lt_queue *queue)
{
    int now = LT_NO_THREAD;

    if (LT_STD(atomic_exchange)(&queue->requested, 1) &&
        LT_STD(atomic_load)(&queue->thread) != LT_NO_THREAD)
        return;
    if (LT_STD(atomic_compare_exchange_strong)(&queue->thread, &now, (int)LT_STARTING)) {
        if (queue->wake == NULL)
            queue->wake = lt_held_lock();
        if (queue->ended == NULL)
            queue->ended = lt_held_lock();
        if (queue->wake == NULL || queue->ended == NULL ||
            PyThread_start_new_thread(lt_run_thread, queue) == PYTHREAD_INVALID_THREAD_ID)
            LT_STD(atomic_store)(&queue->thread, (int)LT_NO_THREAD);
    }
    else if (now == LT_RUNNING)
        lt_wake(queue);
}

/* ---- handing over: attached or not --------------------------------------------------- */

/* Into this thread's scope, or the queue. */
static inline void
lt_enqueue(lt_queue *queue, lt_slot *slot)
{
    lt_scope *scope = lt_scope_of(queue);

    if (scope) {
        slot->next = NULL;
        *scope->last = slot;
        scope->last = &slot->next;
        return;
    }
    lt_push(queue, slot);
    lt_request(queue);
}

/* Hand one native reference of slot's object over. The slot is enqueued once, however many
 * references wait. Never blocks. */
static inline void
lt_hand_over(lt_queue *queue, lt_slot *slot)
{
    LT_STD(atomic_fetch_add)(&queue->pushed, (int64_t)1);
    if (LT_STD(atomic_fetch_add)(&slot->handed_over, (uint32_t)1) == 0)
        lt_enqueue(queue, slot);
}

/* To be enqueued. NULL without memory. */
static inline lt_call *
lt_new_call(lt_queue *queue, void (*run)(void *, void *), void *a, void *b)
{
    lt_call *call = (lt_call *)calloc(1, sizeof *call);

    if (call == NULL)
        return NULL;
    call->run = run;
    call->a = a;
    call->b = b;
    LT_STD(atomic_fetch_add)(&queue->pushed, (int64_t)1);
    return call;
}

/* Have run(a, b) called by an attached thread. 0, or -1 without memory. Never blocks. */
static inline int
lt_call_later(lt_queue *queue, void (*run)(void *, void *), void *a, void *b)
{
    lt_call *call = lt_new_call(queue, run, a, b);

    if (call == NULL)
        return -1;
    lt_enqueue(queue, &call->slot);
    return 0;
}

/* For a release that takes long: leave the rest of it to the queue's thread, as a call. false: this
 * thread is not draining on its way into the library, or there is no queue's thread, or no memory;
 * then the caller goes on. After true the drain ends. Attached. */
static inline bool
lt_leave(lt_queue *queue, void (*run)(void *, void *), void *a, void *b)
{
    lt_scope *scope = lt_scope_of(queue);
    int thread = LT_STD(atomic_load)(&queue->thread);
    lt_call *call;

    if (scope == NULL || !scope->entering || (thread != LT_STARTING && thread != LT_RUNNING) ||
        (call = lt_new_call(queue, run, a, b)) == NULL)
        return false;
    scope->left = true;
    lt_push(queue, &call->slot); /* the drain requests */
    return true;
}

/* Release one native reference from a thread that may be unattached, for a library whose count
 * is a plain atomic integer. Returns the references left; at 0 the caller, then the only
 * owner, destroys the object. While there are two, the other one may be the wrapper's, and
 * the caller's is handed over. The count alone does not tell, and slot->wrapper may change
 * between two reads (ABA). */
static inline int64_t
lt_release_unattached(lt_queue *queue, lt_slot *slot, LT_ATOMIC(int64_t) * refs)
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
 * released; not within a scope of the same thread, and no longer than microseconds. For tests,
 * and for functions that promise it. true if all has been released. */
static inline bool
lt_drain_until(lt_queue *queue, int64_t microseconds)
{
    int64_t all = LT_STD(atomic_load)(&queue->pushed), start = lt_microseconds();

    if (lt_scope_of(queue))
        return false;
    for (long pause = 20000;; pause = pause < 1000000 ? 2 * pause : pause) {
        struct timespec nap;

        if (!lt_queue_empty(queue))
            lt_drain_slice(queue, false);
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

/* Before finalization: what is handed over from now on is released by entering threads only, and
 * the rest leaks with the process. Waits, detached, for the queue's thread to end, but if a
 * __del__ takes longer than LT_GIVE_UP returns without that. Call it from Python's atexit,
 * attached or not; Py_AtExit is too late. */
static inline void
lt_disarm(lt_queue *queue)
{
    int now = LT_NO_THREAD;
    PyThreadState *state;

    while (!LT_STD(atomic_compare_exchange_strong)(&queue->thread, &now, (int)LT_DISARMED)) {
        if (now == LT_DISARMED)
            return;
        if (now == LT_STARTING)
            now =
                LT_NO_THREAD; /* the thread, or its starter, is about to change that; neither waits */
    }
    if (now != LT_RUNNING)
        return;
    lt_wake(queue);
    if (lt_scope_of(queue))
        return; /* called by a __del__ of the queue's thread */
    state = lt_attached() ? PyEval_SaveThread() : NULL;
    PyThread_acquire_lock_timed(queue->ended, LT_GIVE_UP, 0);
    if (state)
        PyEval_RestoreThread(state);
}

/* In the child of a fork, which has the calling thread only. Entering threads drain what was
 * queued; the next push starts a thread. */
static inline void
lt_after_fork_in_child(lt_queue *queue)
{
    int64_t waiting = 0;

    for (int i = 0; i < 2; i++)
        for (lt_slot *slot = LT_STD(atomic_load)(i ? &queue->rest : &queue->slots); slot;
             slot = slot->next) {
            uint32_t n = LT_STD(atomic_load)(&slot->handed_over);
            waiting += n ? n : 1; /* a call */
        }
    if (LT_STD(atomic_load)(&queue->thread) != LT_DISARMED)
        LT_STD(atomic_store)(&queue->thread, (int)LT_NO_THREAD);
    queue->wake = queue->ended = NULL; /* in whatever state another thread left them */
    LT_STD(atomic_store)(&queue->woken, 0);
    LT_STD(atomic_store)(&queue->requested, waiting > 0);
    LT_STD(atomic_store)(&queue->pushed, LT_STD(atomic_load)(&queue->drained) + waiting);
}

#endif
