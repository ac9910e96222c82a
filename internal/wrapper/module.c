/* The module of one strategy, and the queue of what goroutines handed over. */
#include "methods.h"

#include "_cgo_export.h"

static _Atomic int disarmed; /* the interpreter is going away */

/* ---- making native objects -------------------------------------------------- */

/* Only ever written with the GIL: a plain add, seen whole by readers. */
static inline void
count_idle(pp_side *side, int64_t change)
{
    int64_t idle = atomic_load_explicit(&side->idle, memory_order_relaxed);
    atomic_store_explicit(&side->idle, idle + change, memory_order_relaxed);
}

/* Make a stock, and finish off the dead on the way. */
static pp_header *
restock(pp_side *side, int n)
{
    pp_header *dead = side->dead;

    count_idle(side, n - side->n_dead);
    side->dead = NULL;
    side->n_dead = 0;
    return (pp_header *)ppGoRestock(side->index, n, (uintptr_t)dead);
}

pp_header *
pp_new_native(pp_side *side)
{
    pp_header *h = side->stock;

    if (h == NULL)
        h = restock(side, PP_STOCK);
    side->stock = h->next;
    h->next = NULL;
    atomic_store_explicit(&h->flags, 0, memory_order_relaxed);
    count_idle(side, -1);
    return h;
}

int64_t
pp_idle(pp_side *side)
{
    return atomic_load_explicit(&side->idle, memory_order_relaxed);
}

/* ---- giving references back ---------------------------------------------- */

void
pp_finish(pp_side *side, pp_header *h)
{
    if (pp_flag(h, PP_HAS_BODY)) {
        ppGoFinish(h->handle);
        pp_drain(side); /* the last references of its children, among others */
        return;
    }
    h->next = side->dead;
    side->dead = h;
    count_idle(side, 1);
    if (++side->n_dead == PP_STOCK)
        restock(side, 0);
}

void
pp_release_slow(pp_side *side, pp_header *h, int64_t left)
{
    if (left == 0)
        pp_finish(side, h);
    else if (h->wrapper && side->last)
        side->last(side, h);
}

struct pp_errand {
    pp_header *from, *to; /* an edge that was removed; owns a reference to both */
    PyObject *object;     /* or, if set, a reference to drop */
    pp_errand *next;
};

/* Oldest first, as with the queue. */
static void
run_errands(pp_side *side)
{
    pp_errand *list = atomic_exchange(&side->errands, NULL), *oldest = NULL, *next;

    for (; list; list = next) {
        next = list->next;
        list->next = oldest;
        oldest = list;
    }
    for (; oldest; oldest = next) {
        next = oldest->next;
        if (oldest->object)
            Py_DECREF(oldest->object);
        else {
            side->edge_gone(side, oldest->from, oldest->to);
            pp_release(side, oldest->to);
            pp_release(side, oldest->from);
        }
        free(oldest);
    }
}

/* Drop every queued reference, oldest first. Runs any Python code, which may
 * come back here: then the outer call goes on with what was added, so that a
 * chain of native edges of any length is freed in this loop. */
void
pp_drain_slow(pp_side *side)
{
    pp_header *list, *oldest, *next;
    PyObject *type, *value, *tb;

    if (side->draining)
        return;
    side->draining = 1;
    PyErr_Fetch(&type, &value, &tb);
    /* requested goes first: whoever pushes after the exchange below asks anew. */
    while (atomic_store(&side->requested, 0),
           (list = atomic_exchange(&side->queue, NULL)) || atomic_load(&side->errands)) {
        run_errands(side);
        for (oldest = NULL; list; list = next) {
            next = list->next;
            list->next = oldest;
            oldest = list;
        }
        for (; oldest; oldest = next) {
            next = oldest->next;
            oldest->next = NULL;
            side->drained++;
            atomic_fetch_and_explicit(&oldest->refs, ~PP_QUEUED, memory_order_acq_rel);
            pp_release(side, oldest);
        }
    }
    PyErr_Restore(type, value, tb);
    side->draining = 0;
}

static int
drain_pending(void *side)
{
    pp_drain(side);
    return 0;
}

/* Ask for a drain, unless one is on its way. */
static void
request(pp_side *side)
{
    if (atomic_load(&disarmed) || atomic_exchange(&side->requested, 1))
        return;
    /* CPython's list of pending calls has room for 32. When it is full the next
     * push asks again, and every entry with the GIL drains anyway. */
    if (pp_add_pending_call(drain_pending, side) < 0)
        atomic_store(&side->requested, 0);
}

void
pp_push(pp_side *side, pp_header *h)
{
    h->next = atomic_load_explicit(&side->queue, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&side->queue, &h->next, h))
        ;
    request(side);
}

static void
later(pp_side *side, pp_header *from, pp_header *to, PyObject *object)
{
    pp_errand *errand = malloc(sizeof *errand);

    if (errand == NULL)
        Py_FatalError("out of memory for what is to be done with the GIL");
    *errand = (pp_errand){from, to, object, atomic_load_explicit(&side->errands, memory_order_relaxed)};
    while (!atomic_compare_exchange_weak(&side->errands, &errand->next, errand))
        ;
    request(side);
}

void
pp_unlink(pp_side *side, pp_header *from, pp_header *to)
{
    later(side, from, to, NULL);
}

void
pp_drop_later(pp_side *side, PyObject *object)
{
    later(side, NULL, NULL, object);
}

int64_t
pp_count(pp_header *h)
{
    int64_t word = atomic_load(&h->refs);
    PyObject *wrapper = h->wrapper;

    if (!(word & PP_COUNTED) || wrapper == NULL)
        return word & ~PP_WATCHED;
    return Py_REFCNT(wrapper) + (word & ~(PP_COUNTED | PP_QUEUED)) - PP_CORRECTION;
}

void
pp_disarm(void)
{
    atomic_store(&disarmed, 1);
}

/* ---- the module ----------------------------------------------------------- */

pp_side *
pp_module_side(PyObject *module)
{
    return *(pp_side **)PyModule_GetState(module);
}

PyDoc_STRVAR(new_native_doc,
"new_native($module, /, message=None)\n--\n\n"
"Make a native object on the native side, and return the MyClassRef that holds\n"
"it. No wrapper has stood for it yet; get() makes the first.");

static PyObject *
module_new_native(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"message", NULL};
    pp_side *side = pp_module_side(module);
    PyObject *message = Py_None;
    pp_header *h;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:new_native", names, &message))
        return NULL;
    pp_drain(side);
    h = pp_new_native(side);
    if (pp_set_message(h, message) < 0) {
        pp_release(side, h);
        return NULL;
    }
    return pp_new_holder(side, h);
}

PyDoc_STRVAR(live_objects_doc,
"live_objects($module, /)\n--\n\n"
"How many native objects of this strategy are alive now.");

static PyObject *
module_live_objects(PyObject *module, PyObject *unused)
{
    pp_side *side = pp_module_side(module);
    pp_drain(side);
    return PyLong_FromLongLong(ppGoLive(side->index));
}

PyDoc_STRVAR(settle_doc,
"settle($module, /)\n--\n\n"
"Have everything happen that is to follow from what was dropped or released so\n"
"far. Most strategies do that at once; for one that leaves it to Go's garbage\n"
"collector this runs the collector. Other threads run meanwhile.");

static PyObject *
module_settle(PyObject *module, PyObject *unused)
{
    pp_side *side = pp_module_side(module);

    if (side->settle) {
        if (!pp_have_goroutines())
            return NULL;
        Py_BEGIN_ALLOW_THREADS
        side->settle(side);
        Py_END_ALLOW_THREADS
    }
    pp_drain(side);
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
    pp_side *side = pp_module_side(module);
    pp_drain(side);
    return Py_BuildValue("{sLsLsLsLsL}", "wrappers_created", (long long)side->wrappers_created,
                         "wrappers_freed", (long long)side->wrappers_freed, "flips",
                         (long long)side->flips, "resurrections", (long long)side->resurrections,
                         "drained", (long long)side->drained);
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
 * name. The module's state is one pointer to its side and owns nothing: sides
 * are static and live as long as the process, and so do definitions. */
static PyModuleDef *
make_def(pp_side *side, const char *package)
{
    PyModuleDef *def = PyMem_RawCalloc(1, sizeof *def);
    char *name = pp_join(package, side->name);

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
        .m_size = sizeof(pp_side *),
        .m_methods = side->bare ? NULL : module_methods,
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
pp_module(pp_side *side, const char *package)
{
    PyObject *module;
    PyModuleDef *def;

    if (side->module) {
        Py_INCREF(side->module);
        return side->module;
    }
    def = make_def(side, package);
    module = def ? PyModule_Create(def) : NULL;
    if (module == NULL)
        return NULL;
    *(pp_side **)PyModule_GetState(module) = side;
    if (side->bare) {
        if (side->bare(side, module) < 0)
            goto fail;
    }
    else {
        side->wrapper_type = pp_make_wrapper_type(side, module, def->m_name);
        side->holder_type = pp_make_holder_type(side, module, def->m_name);
        if (!side->wrapper_type || !side->holder_type ||
            PyModule_AddType(module, side->wrapper_type) < 0 ||
            PyModule_AddType(module, side->holder_type) < 0)
            goto fail;
    }
    side->module = module;
    Py_INCREF(module);
    return module;
fail:
    Py_DECREF(module);
    return NULL;
}
