/* The GIL, for threads that are not attached.
 *
 * A thread that takes the GIL of an interpreter which is being finalized is ended (up to
 * CPython 3.13), blocks for ever (3.14), or finds freed memory. So it enters a gate first;
 * exit closes the gate and then waits until no thread is inside. Rejected: Py_IsFinalizing
 * before PyGILState_Ensure, because finalization may begin between the two. From 3.15 on
 * CPython has the gate itself (PEP 788): finalization waits for the threads that have entered. */
#include "python.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define HAD ((pp_gil)1) /* the thread had the GIL before; what is greater is a token */
#define CLOSED ((uint64_t)1 << 63)

static _Atomic uint64_t gate;     /* before 3.15 the number of threads inside; and CLOSED */
static _Thread_local int entered; /* calls of pp_gil_take without their pp_gil_give */

/* Not PyGILState_Check: it returns 1 on every thread once there has been a
 * subinterpreter. */
static int
have_gil(void)
{
    PyThreadState *mine = PyGILState_GetThisThreadState();
#if PY_VERSION_HEX < 0x030D0000
    return mine && mine == _PyThreadState_UncheckedGet();
#else
    return mine && mine == PyThreadState_GetUnchecked();
#endif
}

#if PY_VERSION_HEX >= 0x030F0000

/* The main interpreter, whether it is still there or not. Never closed. */
static PyInterpreterView *
main_interpreter(void)
{
    static _Atomic(PyInterpreterView *) view;
    PyInterpreterView *found = atomic_load(&view), *made;

    if (found || (made = PyInterpreterView_FromMain()) == NULL)
        return found;
    if (atomic_compare_exchange_strong(&view, &found, made))
        return made;
    PyInterpreterView_Close(made);
    return found;
}

/* One pp_gil_take without its pp_gil_give, and its guard. Reused, never freed. */
typedef struct guarded {
    _Atomic int used;
    int *thread; /* which: the address of its entered */
    _Atomic(PyInterpreterGuard *) guard;
    PyThreadStateToken *token;
    struct guarded *next;
} guarded;

static _Atomic(guarded *) all; /* only added to */

static void
leave(guarded *g)
{
    PyInterpreterGuard *guard = atomic_exchange(&g->guard, NULL);

    if (guard)
        PyInterpreterGuard_Close(guard);
    atomic_store(&g->used, 0);
}

/* In the child of a fork CPython 3.15.0 still counts the guards of threads that do not
 * exist, and finalization would wait for them for ever. */
static void
in_child(void)
{
    for (guarded *g = atomic_load(&all); g; g = g->next)
        if (g->thread != &entered)
            leave(g);
}

static void
watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

static guarded *
take_guarded(void)
{
    guarded *g;

    for (g = atomic_load(&all); g; g = g->next)
        if (!atomic_load(&g->used) && !atomic_exchange(&g->used, 1))
            return g;
    g = calloc(1, sizeof *g);
    if (g) {
        g->used = 1;
        g->next = atomic_load(&all);
        while (!atomic_compare_exchange_weak(&all, &g->next, g))
            ;
    }
    return g;
}

/* Refused when the gate is closed, too: finalization waits until no thread has a
 * guard, and threads that enter again and again could delay it for ever. */
static pp_gil
attach(void)
{
    static pthread_once_t watched = PTHREAD_ONCE_INIT;
    PyInterpreterView *view;
    guarded *g;

    pthread_once(&watched, watch_forks);
    if (!entered && (atomic_load(&gate) & CLOSED))
        return 0;
    view = main_interpreter();
    g = view ? take_guarded() : NULL;
    if (g == NULL)
        return 0;
    g->thread = &entered;
    atomic_store(&g->guard, PyInterpreterGuard_FromView(view));
    g->token = atomic_load(&g->guard) ? PyThreadState_Ensure(atomic_load(&g->guard)) : NULL;
    if (g->token == NULL) {
        leave(g);
        return 0;
    }
    return (pp_gil)g;
}

static void
detach(pp_gil gil)
{
    guarded *g = (guarded *)gil;

    PyThreadState_Release(g->token);
    leave(g);
}

#else

/* The child of a fork does not have the other threads that were inside. */
static void
in_child(void)
{
    atomic_store(&gate, (atomic_load(&gate) & CLOSED) | (entered > 0));
}

static void
watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

static int
enter(void)
{
    static pthread_once_t watched = PTHREAD_ONCE_INIT;
    uint64_t now = atomic_load(&gate);

    pthread_once(&watched, watch_forks);
    while (!(now & CLOSED))
        if (atomic_compare_exchange_weak(&gate, &now, now + 1))
            return 1;
    return 0;
}

/* A thread that is inside already may pass a closed gate: exit waits for it. */
static pp_gil
attach(void)
{
    return entered || enter() ? HAD + 1 + (pp_gil)PyGILState_Ensure() : 0;
}

static void
detach(pp_gil gil)
{
    PyGILState_Release((PyGILState_STATE)(gil - HAD - 1));
    if (entered == 1)
        atomic_fetch_sub(&gate, 1);
}

#endif

pp_gil
pp_gil_take(void)
{
    pp_gil gil;

    if (have_gil())
        return HAD;
    gil = attach();
    if (gil)
        entered++;
    return gil;
}

void
pp_gil_give(pp_gil gil)
{
    if (gil == HAD)
        return;
    detach(gil);
    entered--;
}

void
pp_gil_close(void)
{
    atomic_fetch_or(&gate, CLOSED);
#if PY_VERSION_HEX < 0x030F0000
    uint64_t empty = CLOSED | (entered > 0);
    struct timespec now, end;

    if (atomic_load(&gate) == empty)
        return;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += PP_GIL_WAIT;
    Py_BEGIN_ALLOW_THREADS
    do {
        nanosleep(&(struct timespec){0, 200000}, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (atomic_load(&gate) != empty &&
             (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec)));
    Py_END_ALLOW_THREADS
#endif
}
