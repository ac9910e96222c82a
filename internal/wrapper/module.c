/* The module of one strategy, what each thread has of it, and the making and finishing of native
 * objects. */
#include "methods.h"

#include <pthread.h>

#include "_cgo_export.h"

/* ---- native objects ------------------------------------------------------------ */

_Atomic(pp_slab *) pp_slabs[PP_MAX_SLABS];

/* ---- what each thread has ------------------------------------------------------- */

#ifdef Py_GIL_DISABLED
_Thread_local pp_local *pp_locals[PP_MAX_STATES];

static pthread_key_t ending;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A thread ends: the next new thread reuses its pp_local. */
static void
leave(void *locals)
{
    for (int i = 0; i < PP_MAX_STATES; i++)
        if (((pp_local **)locals)[i])
            atomic_store(&((pp_local **)locals)[i]->taken, 0);
}

static void
make_key(void)
{
    if (pthread_key_create(&ending, leave))
        Py_FatalError("no thread-specific data");
}

pp_local *
pp_new_local(pp_state *state)
{
    pp_local *local = atomic_load(&state->locals);
    int taken = 0;

    pthread_once(&once, make_key);
    pthread_setspecific(ending, pp_locals);
    for (; local; local = local->next, taken = 0)
        if (atomic_compare_exchange_strong(&local->taken, &taken, 1))
            return pp_locals[state->index] = local;
    local = calloc(1, sizeof *local);
    if (local == NULL)
        Py_FatalError("out of memory for a thread's counters");
    local->taken = 1;
    local->next = atomic_load(&state->locals);
    while (!atomic_compare_exchange_weak(&state->locals, &local->next, local))
        ;
    return pp_locals[state->index] = local;
}

#define FOR_EACH_LOCAL(local, state) \
    for (pp_local *local = atomic_load(&(state)->locals); local; local = local->next)
#else
#define FOR_EACH_LOCAL(local, state) for (pp_local *local = &(state)->local; local; local = NULL)
#endif

#define READ(counter) atomic_load_explicit(&(counter), memory_order_relaxed)

int64_t
pp_idle(pp_state *state)
{
    int64_t idle = 0;

    FOR_EACH_LOCAL (local, state)
        idle += READ(local->n_spare) + READ(local->n_dead);
    return idle;
}

static lt_slot *
take(lt_slot **list, _Atomic int *count)
{
    lt_slot *taken = *list;

    *list = NULL;
    atomic_store_explicit(count, 0, memory_order_relaxed);
    return taken;
}

lt_slot *
pp_take_idle(pp_state *state)
{
    pp_local *local = pp_local_of(state);
    lt_slot *spare = take(&local->spare, &local->n_spare), **end = &spare;

    while (*end)
        end = &(*end)->next;
    *end = take(&local->dead, &local->n_dead);
    return spare;
}

pp_totals
pp_total(pp_state *state)
{
    pp_totals total = {.drained = atomic_load(&state->queue.drained),
                       .longest_slice = atomic_load(&state->queue.longest)};

    FOR_EACH_LOCAL (local, state) {
        total.wrappers_created += READ(local->wrappers_created);
        total.wrappers_freed += READ(local->wrappers_freed);
        total.flips += READ(local->flips);
        total.resurrections += READ(local->resurrections);
    }
    return total;
}

/* ---- native objects ------------------------------------------------------------ */

/* Have Go destroy the dead, and make n spare objects. */
static lt_slot *
refill(pp_state *state, pp_local *local, int n)
{
    lt_slot *dead = take(&local->dead, &local->n_dead);

    PP_ADD(local->n_spare, n);
    return (lt_slot *)ppGoRefill(state->index, n, (uintptr_t)dead);
}

pp_header *
pp_new_native(pp_state *state)
{
    pp_local *local = pp_local_of(state);
    lt_slot *slot = local->spare;
    pp_header *h;

    if (slot == NULL)
        slot = refill(state, local, PP_BATCH);
    if (local->id == local->end_id) {
        local->id = ppGoReserveIDs(PP_IDS);
        local->end_id = local->id + PP_IDS;
    }
    local->spare = slot->next;
    PP_ADD(local->n_spare, -1);
    slot->next = NULL;
    h = pp_header_of_slot(slot);
    h->id = local->id++;
    atomic_store_explicit(&h->refs, 1, memory_order_release); /* begins it */
    return h;
}

static _Thread_local bool may_detach;         /* in pp_call_go */
static _Thread_local PyThreadState *detached; /* by pp_takes_long */

static void
finish_rest(void *rest, void *unused)
{
    pp_call_go(ppGoRest, (uint64_t)(uintptr_t)rest);
}

bool
pp_takes_long(const pp_strategy *strategy, uintptr_t rest)
{
    if (!may_detach || detached)
        return false;
    if (lt_leave(&strategy->state->queue, finish_rest, (void *)rest, NULL))
        return true;
    detached = lt_detach();
    return false;
}

/* Attached again here and not in Go: at exit CPython may end a thread that wants to be attached. */
void
pp_call_go(void (*function)(uint64_t), uint64_t handle)
{
    PyThreadState *state;

    may_detach = true;
    function(handle);
    may_detach = false;
    if ((state = detached) != NULL) {
        detached = NULL;
        PyEval_RestoreThread(state);
    }
}

void
pp_finish(pp_state *state, pp_header *h)
{
    pp_local *local;

    uint32_t flags = atomic_load_explicit(&h->flags, memory_order_relaxed);

    if (flags & PP_HAS_BODY) {
        lt_scope scope; /* for the last references to its children, among others */
        bool begun = lt_begin(&state->queue, &scope);

        pp_call_go(ppGoFinish, pp_handle(h));
        if (begun)
            lt_end(&scope);
        return;
    }
    local = pp_local_of(state);
    if (!(flags & PP_SHOWN) && READ(local->n_spare) < PP_SPARES) {
        h->slot = (lt_slot){.next = local->spare};
        local->spare = &h->slot;
        PP_ADD(local->n_spare, 1);
        return;
    }
    h->slot.next = local->dead;
    local->dead = &h->slot;
    PP_ADD(local->n_dead, 1);
    if (READ(local->n_dead) == PP_BATCH)
        refill(state, local, 0);
}

/* ---- from threads that may be unattached ------------------------------------------- */

void
pp_release_unattached(const pp_strategy *strategy, pp_header *h)
{
    if (strategy->counting)
        strategy->counting->release_unattached(h);
    else
        lt_hand_over(&strategy->state->queue, &h->slot);
}

static void
later(const pp_strategy *strategy, void (*run)(void *, void *), void *a, void *b)
{
    if (lt_call_later(&strategy->state->queue, run, a, b) < 0)
        Py_FatalError("out of memory for a call by an attached thread");
}

void
pp_unlink(const pp_strategy *strategy, pp_header *from, pp_header *to)
{
    later(strategy, strategy->edges->gone, from, to);
}

static void
drop(void *object, void *unused)
{
    Py_DECREF((PyObject *)object);
}

void
pp_drop_later(const pp_strategy *strategy, PyObject *object)
{
    later(strategy, drop, object, NULL);
}

/* ---- the module ----------------------------------------------------------- */

const pp_strategy *
pp_module_strategy(PyObject *module)
{
    return *(const pp_strategy **)PyModule_GetState(module);
}

PyDoc_STRVAR(new_native_doc,
             "new_native($module, /, message=None)\n--\n\n"
             "Make a native object on the native side, and return the MyClassRef that holds\n"
             "it. It has no wrapper yet; get() makes the first.");

static PyObject *
module_new_native(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"message", NULL};
    const pp_strategy *strategy = pp_module_strategy(module);
    PyObject *message = Py_None;
    pp_header *h;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:new_native", names, &message))
        return NULL;
    pp_drain(strategy);
    h = pp_new_native(strategy->state); /* runs no code */
    if (pp_set_message(h, message) < 0) {
        strategy->release(h);
        return NULL;
    }
    return pp_new_holder(strategy, h);
}

PyDoc_STRVAR(live_objects_doc, "live_objects($module, /)\n--\n\n"
                               "How many native objects of this strategy are alive now.");

static PyObject *
module_live_objects(PyObject *module, PyObject *unused)
{
    const pp_strategy *strategy = pp_module_strategy(module);
    pp_settle_all(strategy);
    return PyLong_FromLongLong(ppGoLive(strategy->state->index));
}

PyDoc_STRVAR(settle_doc,
             "settle($module, /)\n--\n\n"
             "Return when everything that follows from what has been dropped or released so far\n"
             "has happened. Other threads run meanwhile. For a strategy that leaves it to Go's\n"
             "garbage collector this runs the collector, up to 100 times.");

/* Without the GIL, an object whose last reference is dropped by another thread than its maker
 * waits until the maker next executes Python code (biased counts, see lt_unbias). 0, or -1 with an
 * exception. */
static int
execute_python(void)
{
#ifdef Py_GIL_DISABLED
    /* Rejected: PyRun_String, after which a KeyboardInterrupt makes the process end by SIGINT. */
    PyObject *code = Py_CompileString("None", "<settle>", Py_eval_input);
    PyObject *names = code ? PyDict_New() : NULL;
    PyObject *result = names ? PyEval_EvalCode(code, names, names) : NULL;

    Py_XDECREF(code);
    Py_XDECREF(names);
    Py_XDECREF(result);
    return result ? 0 : -1;
#else
    return 0;
#endif
}

/* Release everything that has been handed over, and what that hands over. An empty queue
 * is not enough: another thread may be releasing what it has taken. 0, or -1 with an exception. */
static int
settle(const pp_strategy *strategy)
{
    lt_queue *queue = &strategy->state->queue;
    int64_t before;

    do {
        before = atomic_load(&queue->pushed);
        if (!pp_settle(strategy))
            return 0; /* it takes too long, or a __del__ that a drain runs has called this */
        if (execute_python() < 0)
            return -1;
    } while (atomic_load(&queue->drained) < before || atomic_load(&queue->pushed) > before);
    return 0;
}

static PyObject *
module_settle(PyObject *module, PyObject *unused)
{
    const pp_strategy *strategy = pp_module_strategy(module);

    if (strategy->quiesce) {
        if (!pp_have_goroutines(strategy))
            return NULL;
        Py_BEGIN_ALLOW_THREADS
        strategy->quiesce();
        Py_END_ALLOW_THREADS
    }
    if (settle(strategy) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stats_doc,
             "stats($module, /)\n--\n\n"
             "The strategy's counters, totals since it was loaded, as a new dict:\n"
             "\n"
             "  wrappers_created  wrappers made, by Python or for a native object\n"
             "  wrappers_freed    wrappers gone for good\n"
             "  flips             the native object took over a wrapper that Python had dropped\n"
             "  resurrections     tp_finalize brought a wrapper back to life (finalizer)\n"
             "  drained           references handed over by goroutines and released since\n"
             "  longest_slice     microseconds: the most that one slice of a drain has taken");

static PyObject *
module_stats(PyObject *module, PyObject *unused)
{
    const pp_strategy *strategy = pp_module_strategy(module);
    pp_totals total;

    pp_settle_all(strategy);
    total = pp_total(strategy->state);
    return Py_BuildValue("{sLsLsLsLsLsL}", "wrappers_created", (long long)total.wrappers_created,
                         "wrappers_freed", (long long)total.wrappers_freed, "flips",
                         (long long)total.flips, "resurrections", (long long)total.resurrections,
                         "drained", (long long)total.drained, "longest_slice",
                         (long long)total.longest_slice);
}

PyDoc_STRVAR(release_from_goroutines_doc,
             "release_from_goroutines($module, /, refs, goroutines=8, wait=True)\n--\n\n"
             "Release a sequence of MyClassRefs, all at once, on goroutines that do not hold the\n"
             "GIL. With wait=False it returns at once, and the goroutines go on even when Python\n"
             "exits. Raises TypeError, and releases nothing, if one of refs is not a MyClassRef\n"
             "of this strategy; RuntimeError in a forked process.");

PyDoc_STRVAR(synchronize_doc,
             "synchronize($module, /)\n--\n\n"
             "Take and release the lock of the native library that release_from_goroutine(\n"
             "locked=True) holds. The GIL is kept meanwhile, as by a native function that does\n"
             "not know of Python.");

static PyMethodDef module_methods[] = {
    {"new_native", (PyCFunction)(void (*)(void))module_new_native, METH_VARARGS | METH_KEYWORDS,
     new_native_doc},
    {"live_objects", module_live_objects, METH_NOARGS, live_objects_doc},
    {"release_from_goroutines", (PyCFunction)(void (*)(void))pp_module_release_from_goroutines,
     METH_VARARGS | METH_KEYWORDS, release_from_goroutines_doc},
    {"synchronize", pp_module_synchronize, METH_NOARGS, synchronize_doc},
    {"settle", module_settle, METH_NOARGS, settle_doc},
    {"stats", module_stats, METH_NOARGS, stats_doc},
    {NULL},
};

/* m_traverse: called in each full collection. The module refers to nothing that gc can free. */
static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    if (atomic_load_explicit(&pp_slabs[PP_LEAST_SLABS - 1], memory_order_relaxed))
        ppGoCollected(pp_module_strategy(module)->state->index);
    return 0;
}

/* A definition of its own for each module, so that functions know their full
 * name. The module's state is one pointer, to a static pp_strategy. Definitions are never
 * freed. */
static PyModuleDef *
make_def(const pp_strategy *strategy, const char *package)
{
    PyModuleDef *def = PyMem_RawCalloc(1, sizeof *def);
    char *name = pp_join(package, strategy->name);

    if (def == NULL || name == NULL) {
        if (name)
            PyErr_NoMemory(); /* pp_join has set it otherwise */
        PyMem_RawFree(def);
        PyMem_RawFree(name);
        return NULL;
    }
    *def = (PyModuleDef){
        PyModuleDef_HEAD_INIT,           .m_name = name,
        .m_size = sizeof(pp_strategy *), .m_methods = module_methods,
        .m_traverse = module_traverse,
    };
    return def;
}

char *
pp_join(const char *left, const char *right)
{
    size_t size = strlen(left) + strlen(right) + 2;
    char *joined = PyMem_RawMalloc(size);

    if (joined == NULL)
        PyErr_NoMemory();
    else
        snprintf(joined, size, "%s.%s", left, right);
    return joined;
}

#ifdef Py_GIL_DISABLED
/* Whether the GIL is off; if so, a strategy that needs it raises RuntimeError. */
static int
refuse(const pp_strategy *strategy)
{
    PyObject *function =
        strategy->needs_gil ? PySys_GetObject("_is_gil_enabled") : NULL; /* borrowed */
    PyObject *answer = function ? PyObject_CallNoArgs(function) : NULL;
    int off = answer == Py_False;

    Py_XDECREF(answer);
    if (off)
        PyErr_Format(PyExc_RuntimeError,
                     "%s needs the GIL; run python with -X gil=1 or PYTHON_GIL=1 to use it",
                     strategy->name);
    return off || PyErr_Occurred();
}
#endif

static PyObject *
make_module(const pp_strategy *strategy, const char *package)
{
    pp_state *state = strategy->state;
    PyObject *module;
    PyModuleDef *def;

    if (state->module) {
        Py_INCREF(state->module);
        return state->module;
    }
    def = make_def(strategy, package);
    module = def ? PyModule_Create(def) : NULL;
    if (module == NULL)
        return NULL;
    *(const pp_strategy **)PyModule_GetState(module) = strategy;
    state->wrapper_type = pp_make_wrapper_type(strategy, module, def->m_name);
    state->holder_type = pp_make_holder_type(strategy, module, def->m_name);
    if (!state->on_event)
        state->on_event = PyUnicode_InternFromString("on_event");
    if (!state->wrapper_type || !state->holder_type || !state->on_event ||
        PyModule_AddType(module, state->wrapper_type) < 0 ||
        PyModule_AddType(module, state->holder_type) < 0) {
        if (!PyErr_Occurred()) /* CPython 3.11's PyType_FromModuleAndSpec, without memory for a name */
            PyErr_NoMemory();
        Py_DECREF(module);
        return NULL;
    }
    state->module = module;
    Py_INCREF(module);
    return module;
}

PyObject *
pp_module(const pp_strategy *strategy, const char *package)
{
#ifdef Py_GIL_DISABLED
    static PyMutex making;
    PyObject *module;

    if (refuse(strategy))
        return NULL;
    PyMutex_Lock(&making);
    module = make_module(strategy, package);
    PyMutex_Unlock(&making);
    return module;
#else
    return make_module(strategy, package);
#endif
}
