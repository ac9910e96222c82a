/* What native code does with its objects on goroutines, which are not attached, and after
 * finalization. */
#include "methods.h"

#include <pthread.h>

#include "_cgo_export.h"

/* ---- fork ------------------------------------------------------------------- */

static int forked;       /* in the child: Go's other threads are not there */
static pp_state *states; /* all that are attached */
static bool disarmed;    /* the interpreter is being finalized */

static void
in_child(void)
{
    forked = 1;
    for (pp_state *state = states; state; state = state->next)
        lt_after_fork_in_child(&state->queue);
}

void
pp_watch_forks(void)
{
    static int watching;

    if (!watching)
        watching = pthread_atfork(NULL, NULL, in_child) == 0;
}

void
pp_attach(const pp_strategy *strategy, int index)
{
    pp_state *state = strategy->state;

    pp_watch_forks();
    state->strategy = strategy;
    state->index = index;
    state->queue.release = strategy->release_slot;
    if (disarmed)
        lt_disarm(&state->queue);
    state->next = states;
    states = state;
}

void
pp_disarm(void)
{
    disarmed = true;
    for (pp_state *state = states; state; state = state->next)
        lt_disarm(&state->queue);
}

int
pp_forked(void)
{
    return forked;
}

int
pp_counts_natively(const pp_strategy *strategy)
{
    if (strategy->release_slot == NULL)
        PyErr_Format(PyExc_RuntimeError, "%s has no native references, only Python's",
                     strategy->name);
    return strategy->release_slot != NULL;
}

int
pp_have_goroutines(const pp_strategy *strategy)
{
    if (!pp_counts_natively(strategy))
        return 0;
    if (forked)
        PyErr_SetString(PyExc_RuntimeError,
                        "this process was forked, and Go's threads did not come along: nothing can "
                        "be done on a goroutine here; start processes with 'spawn' instead");
    return !forked;
}

bool
pp_settle(const pp_strategy *strategy)
{
    return lt_drain_until(&strategy->state->queue, 1000000);
}

bool
pp_settle_all(const pp_strategy *strategy)
{
    lt_queue *queue = &strategy->state->queue;
    int64_t end = lt_microseconds() + 1000000, pushed;

    do {
        pushed = atomic_load(&queue->pushed);
        if (!lt_drain_until(queue, end - lt_microseconds()))
            return false;
    } while (atomic_load(&queue->pushed) > pushed);
    return true;
}

/* ---- Python functions that Go calls, in a child ------------------------------------ */

/* Threads that are inside one. In a child of this process those that it does not have still
 * count: their processors are lost to it. */
static _Atomic int handling;
static _Thread_local int handlers; /* nesting depth of this thread, in a child */

int
pp_enter_handler(void)
{
    if (!forked)
        return 0;
    if (handlers == 0 && atomic_fetch_add(&handling, 1) >= PP_CHILD_HANDLERS) {
        atomic_fetch_sub(&handling, 1);
        PyErr_Format(
            PyExc_RuntimeError,
            "this process was forked, and has no processor of Go's for another thread: %d "
            "threads are inside of on_event or a callback; start processes with 'spawn' instead",
            PP_CHILD_HANDLERS);
        return -1;
    }
    handlers++;
    return 0;
}

void
pp_leave_handler(void)
{
    if (handlers > 0 && --handlers == 0)
        atomic_fetch_sub(&handling, 1);
}

/* ---- one holder --------------------------------------------------------------- */

PyObject *
pp_holder_release_from_goroutine(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"locked", NULL};
    const pp_strategy *strategy = PP_HOLDER(self)->strategy;
    int locked = 0;
    pp_header *h;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:release_from_goroutine", names, &locked) ||
        !pp_have_goroutines(strategy))
        return NULL;
    h = pp_take_from_holder(PP_HOLDER(self));
    if (h) {
        uint64_t handle = pp_handle(h);
        pp_give_to_go(h);
        Py_BEGIN_ALLOW_THREADS
        ppGoReleaseOnGoroutines(&handle, 1, 1, locked, 1);
        Py_END_ALLOW_THREADS
    }
    pp_settle(strategy);
    Py_RETURN_NONE;
}

PyObject *
pp_holder_wrap_from_goroutines(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"goroutines", "times", NULL};
    int goroutines = 4, times = 1000, failed = 0;
    const pp_strategy *strategy = PP_HOLDER(self)->strategy;
    pp_header *h;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ii:wrap_from_goroutines", names, &goroutines,
                                     &times) ||
        !pp_have_goroutines(strategy))
        return NULL;
    if (goroutines < 1 || goroutines > 1000 || times < 0)
        return PyErr_Format(
            PyExc_ValueError,
            "goroutines must be from 1 to 1000 and times not negative, not %d and %d", goroutines,
            times);
    h = pp_retain_held(self); /* another thread may release this very holder */
    if (h == NULL)
        return NULL;
    pp_give_to_go(h);
    Py_BEGIN_ALLOW_THREADS
    failed = ppGoWrapOnGoroutines(strategy->state->index, pp_handle(h), goroutines, times);
    Py_END_ALLOW_THREADS
    strategy->release(h);
    pp_settle(strategy);
    if (failed)
        return PyErr_Format(PyExc_RuntimeError, "%d of the wraps failed", failed);
    Py_RETURN_NONE;
}

/* ---- many holders --------------------------------------------------------------- */

PyObject *
pp_module_release_from_goroutines(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"refs", "goroutines", "wait", NULL};
    const pp_strategy *strategy = pp_module_strategy(module);
    PyObject *refs, *list;
    int goroutines = 8, wait = 1;
    Py_ssize_t n, held = 0;
    uint64_t *handles;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|ip:release_from_goroutines", names, &refs,
                                     &goroutines, &wait) ||
        !pp_have_goroutines(strategy))
        return NULL;
    if (goroutines < 1 || goroutines > 1000)
        return PyErr_Format(PyExc_ValueError, "goroutines must be from 1 to 1000, not %d",
                            goroutines);
    list = PySequence_List(refs);
    if (list == NULL)
        return NULL;
    n = PyList_GET_SIZE(list);
    for (Py_ssize_t i = 0; i < n; i++)
        if (!Py_IS_TYPE(PyList_GET_ITEM(list, i), strategy->state->holder_type)) {
            PyErr_Format(PyExc_TypeError, "refs[%zd]: expected %s, not '%.200s'", i,
                         strategy->state->holder_type->tp_name,
                         Py_TYPE(PyList_GET_ITEM(list, i))->tp_name);
            Py_DECREF(list);
            return NULL;
        }
    handles = PyMem_RawMalloc((n ? n : 1) * sizeof *handles);
    if (handles == NULL) {
        Py_DECREF(list);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        pp_header *h = pp_take_from_holder(PP_HOLDER(PyList_GET_ITEM(list, i)));
        if (h) {
            pp_give_to_go(h);
            handles[held++] = pp_handle(h);
        }
    }
    Py_DECREF(list);
    Py_BEGIN_ALLOW_THREADS
    ppGoReleaseOnGoroutines(handles, held, goroutines, 0, wait);
    Py_END_ALLOW_THREADS
    PyMem_RawFree(handles);
    if (wait)
        pp_settle(strategy);
    else
        pp_drain(strategy);
    Py_RETURN_NONE;
}

PyObject *
pp_module_synchronize(PyObject *module, PyObject *unused)
{
    ppGoSynchronize();
    Py_RETURN_NONE;
}

/* ---- after Python ----------------------------------------------------------------- */

typedef struct late {
    uint64_t handle;
    struct late *next;
} late;

static _Atomic(late *) after;
static pthread_once_t registering = PTHREAD_ONCE_INIT;
static int not_registered;

static void
release_late(void)
{
    for (late *l = atomic_exchange(&after, NULL), *next; l; l = next) {
        next = l->next;
        ppGoRelease(l->handle);
        free(l);
    }
}

/* By C's atexit: runs after the interpreter is finalized. */
static void
register_late(void)
{
    not_registered = atexit(release_late);
}

PyObject *
pp_holder_release_after_python(PyObject *self, PyObject *unused)
{
    pp_header *h;
    late *l;

    if (!pp_counts_natively(PP_HOLDER(self)->strategy))
        return NULL;
    pthread_once(&registering, register_late);
    if (not_registered)
        return PyErr_Format(PyExc_RuntimeError, "atexit() has no room for another function");
    l = malloc(sizeof *l);
    if (l == NULL)
        return PyErr_NoMemory();
    h = pp_take_from_holder(PP_HOLDER(self));
    if (h) {
        pp_give_to_go(h);
        *l = (late){pp_handle(h), atomic_load(&after)};
        while (!atomic_compare_exchange_weak(&after, &l->next, l))
            ;
    }
    else
        free(l);
    Py_RETURN_NONE;
}
