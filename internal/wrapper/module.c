/* The module of one strategy, and the queue of what goroutines handed over. */
#include "methods.h"

#include "_cgo_export.h"

/* ---- native objects ------------------------------------------------------------ */

/* Written with the GIL only: a plain addition, atomic for readers without it. */
static inline void
count_idle(pp_state *state, int64_t change)
{
    int64_t idle = atomic_load_explicit(&state->idle, memory_order_relaxed);
    atomic_store_explicit(&state->idle, idle + change, memory_order_relaxed);
}

/* Have Go destroy the dead, and make n new objects. */
static lt_slot *
refill(pp_state *state, int n)
{
    lt_slot *dead = state->dead;

    count_idle(state, n - state->n_dead);
    state->dead = NULL;
    state->n_dead = 0;
    return (lt_slot *)ppGoRefill(state->index, n, (uintptr_t)dead);
}

pp_header *
pp_new_native(pp_state *state)
{
    lt_slot *slot = state->free_list;
    pp_header *h;

    if (slot == NULL)
        slot = refill(state, PP_BATCH);
    state->free_list = slot->next;
    slot->next = NULL;
    h = pp_header_of_slot(slot);
    atomic_store_explicit(&h->flags, 0, memory_order_relaxed);
    count_idle(state, -1);
    return h;
}

int64_t
pp_idle(pp_state *state)
{
    return atomic_load_explicit(&state->idle, memory_order_relaxed);
}

void
pp_finish(pp_state *state, pp_header *h)
{
    if (pp_flag(h, PP_HAS_BODY)) {
        ppGoFinish(h->handle);
        lt_drain(&state->queue); /* the last references to its children, among others */
        return;
    }
    h->slot.next = state->dead;
    state->dead = &h->slot;
    count_idle(state, 1);
    if (++state->n_dead == PP_BATCH)
        refill(state, 0);
}

/* ---- from threads without the GIL ------------------------------------------------- */

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
        Py_FatalError("out of memory for a call that needs the GIL");
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
"it. No wrapper has stood for it yet; get() makes the first.");

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
    h = pp_new_native(strategy->state);
    if (pp_set_message(h, message) < 0) {
        strategy->release(h);
        return NULL;
    }
    return pp_new_holder(strategy, h);
}

PyDoc_STRVAR(live_objects_doc,
"live_objects($module, /)\n--\n\n"
"How many native objects of this strategy are alive now.");

static PyObject *
module_live_objects(PyObject *module, PyObject *unused)
{
    const pp_strategy *strategy = pp_module_strategy(module);
    pp_drain(strategy);
    return PyLong_FromLongLong(ppGoLive(strategy->state->index));
}

PyDoc_STRVAR(settle_doc,
"settle($module, /)\n--\n\n"
"Have everything happen that is to follow from what was dropped or released so\n"
"far. Most strategies do that at once; for one that leaves it to Go's garbage\n"
"collector this runs the collector. Other threads run meanwhile.");

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
    pp_drain(strategy);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stats_doc,
"stats($module, /)\n--\n\n"
"The strategy's counters, totals since it was loaded, as a new dict:\n"
"\n"
"  wrappers_created  wrappers made, by Python or for a native object\n"
"  wrappers_freed    wrappers gone for good\n"
"  flips             a wrapper died and the native object took it over\n"
"  resurrections     the same wrapper was handed out again after it had died\n"
"  drained           references released by goroutines, dropped with the GIL");

static PyObject *
module_stats(PyObject *module, PyObject *unused)
{
    const pp_strategy *strategy = pp_module_strategy(module);
    pp_state *state;

    pp_drain(strategy);
    state = strategy->state;
    return Py_BuildValue("{sLsLsLsLsL}", "wrappers_created", (long long)state->wrappers_created,
                         "wrappers_freed", (long long)state->wrappers_freed, "flips",
                         (long long)state->flips, "resurrections", (long long)state->resurrections,
                         "drained", (long long)state->queue.drained);
}

PyDoc_STRVAR(release_from_goroutines_doc,
"release_from_goroutines($module, /, refs, goroutines=8, wait=True)\n--\n\n"
"Release a sequence of MyClassRefs, all at once, on goroutines that do not hold the\n"
"GIL. With wait=False it returns at once, and the goroutines go on whatever becomes\n"
"of Python. Raises TypeError, and releases nothing, if one of refs is no MyClassRef\n"
"of this strategy; RuntimeError in a forked process.");

PyDoc_STRVAR(synchronize_doc,
"synchronize($module, /)\n--\n\n"
"Take and give back the lock of the native library that release_from_goroutine(\n"
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
        PyModuleDef_HEAD_INIT,
        .m_name = name,
        .m_size = sizeof(pp_strategy *),
        .m_methods = module_methods,
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

PyObject *
pp_module(const pp_strategy *strategy, const char *package)
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
    if (!state->wrapper_type || !state->holder_type ||
        PyModule_AddType(module, state->wrapper_type) < 0 ||
        PyModule_AddType(module, state->holder_type) < 0) {
        if (!PyErr_Occurred()) /* PyType_FromModuleAndSpec may fail without one */
            PyErr_NoMemory();
        Py_DECREF(module);
        return NULL;
    }
    state->module = module;
    Py_INCREF(module);
    return module;
}
