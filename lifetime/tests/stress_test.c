/* stress_test.c: one scheme under many threads, for stress.py. Compiled with -DSTRESS_preserve, or
 * another scheme's name. C11.
 *
 * Native code is an array of cells, each of which owns a native reference or is empty. Python
 * threads and native threads without thread state put, get and take there. A cell's lock is held
 * while its reference is used or exchanged, never while one is released or an object wrapped.
 *
 * What must hold is checked here; counters of what did not are in problems(). */
#include "lifetime/queue.h"

#include <pthread.h>
#include <stddef.h>

#if defined(STRESS_toggleref) || defined(STRESS_mirrored)
#define SCHEME(name) toggleref_##name
#elif defined(STRESS_preserve)
#define SCHEME(name) preserve_##name
#elif defined(STRESS_intrusive)
#define SCHEME(name) intrusive_##name
#elif defined(STRESS_instancemap)
#define SCHEME(name) instancemap_##name
#elif defined(STRESS_ghost)
#define SCHEME(name) ghost_##name
#elif defined(STRESS_nativedict)
#define SCHEME(name) nativedict_##name
#else
#error "define STRESS_<scheme>"
#endif
#if defined(STRESS_instancemap) || defined(STRESS_ghost) || defined(STRESS_nativedict)
#define KEEPS 0 /* a wrapper may die while native code holds the object */
#else
#define KEEPS 1
#endif
/* gc empties a wrapper that only a cycle refers to, though native code holds the object; which
 * another thread may get meanwhile. */
#if defined(STRESS_instancemap) || defined(STRESS_ghost)
#define CYCLES 0
#else
#define CYCLES 1
#endif

/* ---- the native library ------------------------------------------------------------------ */

typedef struct node {
    _Atomic int64_t refs;
    lt_slot slot;
    void *more; /* mirrored's mirror, nativedict's data */
    uint64_t id;
    _Atomic uint64_t wrapper; /* the number of the only wrapper that it may have, if KEEPS */
    _Atomic int deaths;       /* of its wrapper, by __del__ */
    _Atomic int64_t magic;
    struct node *edges[8]; /* each owns a reference */
    int n_edges;
    pthread_mutex_t lock; /* of edges */
    struct node *next_to_die;
} node;

#define ALIVE 0x600d600d
#define DEAD 0xdeaddead

static _Atomic int64_t live, wrappers, births, native_operations;
static _Atomic uint64_t last_id, last_wrapper;
static lt_queue queue;
static PyTypeObject *MyClass, *Holder;

static _Atomic int64_t n_freed_twice, n_freed_in_use, n_used_dead, n_another_wrapper,
    n_two_wrappers, n_deaths, n_refused;

static void
expect(bool promise, _Atomic int64_t *problem)
{
    if (!promise)
        atomic_fetch_add(problem, 1);
}

/* Other threads get their turn in the middle of what a scheme does with its lock, or without. */
static void
perturb(void)
{
    static _Thread_local uint32_t random = 2463534242u;

    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    if (random % 64 == 0)
        sched_yield();
}

static node *
node_new(void)
{
    node *n = calloc(1, sizeof *n);

    if (n == NULL)
        abort();
    atomic_init(&n->refs, 1);
    atomic_init(&n->magic, ALIVE);
    n->id = atomic_fetch_add(&last_id, 1) + 1;
    pthread_mutex_init(&n->lock, NULL);
    atomic_fetch_add(&live, 1);
    return n;
}

static void release_anywhere(node *);

/* The count is 0. By a list, as in takehome/library.h. */
static void
node_free(node *n)
{
    static _Thread_local node *dying;
    static _Thread_local bool freeing;

    expect(atomic_exchange(&n->magic, DEAD) == ALIVE, &n_freed_twice);
    n->next_to_die = dying;
    dying = n;
    if (freeing)
        return;
    freeing = true;
    while ((n = dying)) {
        dying = n->next_to_die;
        while (n->n_edges)
            release_anywhere(n->edges[--n->n_edges]);
#ifdef STRESS_mirrored /* whose state is what gc was told last */
        lt_set_state(&n->slot, 0);
#endif
        expect(atomic_load(&n->slot.bits) == 0 && !atomic_load(&n->slot.wrapper) &&
                   !atomic_load(&n->slot.handed_over) && !n->more,
               &n_freed_in_use);
        pthread_mutex_destroy(&n->lock);
        free(n);
        atomic_fetch_sub(&live, 1);
    }
    freeing = false;
}

static inline int64_t
node_inc(node *n)
{
    perturb();
    return atomic_fetch_add(&n->refs, 1) + 1;
}

static inline int64_t
node_dec(node *n)
{
    int64_t left = atomic_fetch_sub(&n->refs, 1) - 1;

    perturb();
    return left;
}

/* ---- what the schemes ask for -------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    node *native;
    PyObject *dict, *weakrefs;
    uint64_t number;
} wrapper;

typedef node SCHEME(native);
static inline node *
SCHEME(of)(PyObject *self)
{
    return ((wrapper *)self)->native;
}
static inline void
SCHEME(set)(PyObject *self, node *n)
{
    ((wrapper *)self)->native = n;
}
static inline lt_slot *
SCHEME(slot)(node *n)
{
    return &n->slot;
}
static inline void **
SCHEME(data)(node *n)
{
    return &n->more;
}
static inline int64_t
SCHEME(inc)(node *n)
{
    return node_inc(n);
}
static inline int64_t
SCHEME(dec)(node *n)
{
    return node_dec(n);
}
static inline void
SCHEME(free)(node *n)
{
    node_free(n);
}
static PyObject *SCHEME(make)(node *n);
static PyObject *SCHEME(alloc)(PyTypeObject *type);
#ifdef STRESS_intrusive
static inline LT_ATOMIC(int64_t) * SCHEME(word)(node *n)
{
    perturb();
    return &n->refs;
}
#else
static inline int64_t
SCHEME(refs)(node *n)
{
    perturb();
    return atomic_load(&n->refs);
}
#endif
#ifdef STRESS_instancemap
static inline void
SCHEME(retain)(node *n)
{
    node_inc(n);
}
static inline void
SCHEME(release)(node *n)
{
    if (node_dec(n) == 0)
        node_free(n);
}
#endif
#define EVENT_wrappers_freed atomic_fetch_sub(&wrappers, 1)
#define EVENT_flips ((void)0)
#define EVENT_resurrections ((void)0)

#if defined(STRESS_preserve)
#define PRESERVE_EVENT(what) EVENT_##what
#include "preserve/preserve.h"
#elif defined(STRESS_toggleref)
#define TOGGLEREF_EVENT(what) EVENT_##what
#include "toggleref/toggleref.h"
#elif defined(STRESS_mirrored)
#define TOGGLEREF_EVENT(what) EVENT_##what
#include "mirrored/mirrored.h"
#elif defined(STRESS_intrusive)
#define INTRUSIVE_EVENT(what) EVENT_##what
#include "intrusive/intrusive.h"
#elif defined(STRESS_instancemap)
#define INSTANCEMAP_EVENT(what) EVENT_##what
#include "instancemap/instancemap.h"
#elif defined(STRESS_ghost)
#define GHOST_EVENT(what) EVENT_##what
#include "ghost/ghost.h"
#else
#define NATIVEDICT_EVENT(what) EVENT_##what
#include "nativedict/nativedict.h"
#endif

#ifdef STRESS_mirrored
#define DEALLOC mirrored_dealloc
#define TRAVERSE mirrored_traverse
#define CLEAR mirrored_clear
static inline mirrored_mirror **
mirrored_mirror_of(node *n)
{
    return (mirrored_mirror **)(void *)&n->more;
}
static void
mirrored_remove_edges(node *n)
{
    for (node *end = n; end;) {
        pthread_mutex_lock(&n->lock);
        end = n->n_edges ? n->edges[--n->n_edges] : NULL;
        pthread_mutex_unlock(&n->lock);
        if (end)
            release_anywhere(end);
    }
}
#else
#define DEALLOC SCHEME(dealloc)
#define TRAVERSE SCHEME(traverse)
#define CLEAR SCHEME(clear)
#endif

#if defined(STRESS_intrusive) || defined(STRESS_instancemap)
#define HOLDER_MADE(n) ((void)(n))
#define HOLDER_GONE(n) ((void)(n))
#else
#define HOLDER_MADE(n) SCHEME(holder_made)(n)
#define HOLDER_GONE(n) SCHEME(holder_gone)(n)
#endif

static void
retain_unattached(node *n)
{
#ifdef STRESS_intrusive
    intrusive_retain_unattached(n);
#else
    node_inc(n);
#endif
}

static void
release_unattached(node *n)
{
#if defined(STRESS_intrusive)
    if (!intrusive_release_unattached(n, &queue))
        node_free(n);
#elif defined(STRESS_instancemap)
    instancemap_release(n);
#elif defined(STRESS_mirrored) /* all, not only the last: see mirrored_visit */
    lt_hand_over(&queue, &n->slot);
#else
    if (lt_release_unattached(&queue, &n->slot, &n->refs) == 0)
        node_free(n);
#endif
}

static void
release_anywhere(node *n)
{
    if (lt_attached())
        SCHEME(release)(n);
    else
        release_unattached(n);
}

static void
release_queued(lt_slot *slot)
{
    node *n = (node *)(void *)((char *)slot - offsetof(node, slot));

#ifdef STRESS_intrusive
    intrusive_release_queued(n);
#else
    SCHEME(release)(n);
#endif
}

/* ---- wrappers --------------------------------------------------------------------------- */

static void
number(PyObject *self)
{
    ((wrapper *)self)->number = atomic_fetch_add(&last_wrapper, 1) + 1;
    atomic_fetch_add(&wrappers, 1);
}

/* For ghost and nativedict. */
static PyObject *
SCHEME(alloc)(PyTypeObject *type)
{
    PyObject *self = lt_new_quietly(type ? type : MyClass);

    if (self)
        number(self);
    return self;
}

static PyObject *
SCHEME(make)(node *n)
{
    PyObject *self = lt_new_quietly(MyClass);

    if (self == NULL)
        return NULL;
    SCHEME(retain)(n);
    SCHEME(set)(self, n);
    number(self);
    if (SCHEME(adopt)(self, n))
        return self;
    SCHEME(set)(self, NULL);
    atomic_fetch_sub(&wrappers, 1);
    Py_DECREF(self);
    SCHEME(release)(n);
    return SCHEME(wrap)(n);
}

static PyObject *
MyClass_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *self;

    (void)args, (void)kwargs;
    lt_drain(&queue);
    self = SCHEME(new)(type);
    if (self == NULL)
        return NULL;
    number(self);
    atomic_fetch_add(&births, 1);
    SCHEME(set)(self, node_new());
    expect(SCHEME(adopt)(self, SCHEME(of)(self)), &n_two_wrappers);
    return self;
}

static node *
unwrap(PyObject *op)
{
    node *n = PyObject_TypeCheck(op, MyClass) ? SCHEME(of)(op) : NULL;

    if (n == NULL)
        PyErr_SetString(PyExc_ReferenceError, "no native object");
    else
        expect(atomic_load(&n->magic) == ALIVE, &n_used_dead);
    return n;
}

/* n's wrapper, checked. The caller holds a native reference. */
static PyObject *
wrap(node *n)
{
    PyObject *self = SCHEME(wrap)(n), *again;
    uint64_t none = 0;

    expect(atomic_load(&n->magic) == ALIVE, &n_used_dead);
    if (self == NULL) {
        expect(false, &n_refused);
        return NULL;
    }
    if (KEEPS && !atomic_compare_exchange_strong(&n->wrapper, &none, ((wrapper *)self)->number))
        expect(none == ((wrapper *)self)->number, &n_another_wrapper);
    again = SCHEME(wrap)(n);
    expect(again == self, &n_two_wrappers);
    if (again == NULL)
        PyErr_Clear();
    Py_XDECREF(again);
    return self;
}

static void
release_keeping_error(node *n)
{
    PyObject *type, *value, *tb;

    PyErr_Fetch(&type, &value, &tb);
    SCHEME(release)(n);
    PyErr_Restore(type, value, tb);
}

static PyObject *
MyClass_id(PyObject *self, PyObject *unused)
{
    node *n = unwrap(self);

    (void)unused;
    return n ? PyLong_FromUnsignedLongLong(n->id) : NULL;
}

/* Called by __del__, once for each wrapper's life. */
static PyObject *
MyClass_died(PyObject *self, PyObject *unused)
{
    node *n = unwrap(self);

    (void)unused;
    if (n == NULL)
        return NULL;
    if (KEEPS)
        expect(atomic_fetch_add(&n->deaths, 1) == 0, &n_deaths);
    Py_RETURN_NONE;
}

/* A native edge to child. */
static PyObject *
MyClass_append(PyObject *self, PyObject *child)
{
    node *to = unwrap(child), *from = to ? unwrap(self) : NULL;
    bool room;

    if (from == NULL)
        return NULL;
    SCHEME(retain)(to);
#ifdef STRESS_mirrored
    mirrored_edge_made(from, to);
#endif
    pthread_mutex_lock(&from->lock);
    room = from->n_edges < 8;
    if (room)
        from->edges[from->n_edges++] = to;
    pthread_mutex_unlock(&from->lock);
    if (!room) {
#ifdef STRESS_mirrored
        mirrored_edge_gone(from, to);
#endif
        SCHEME(release)(to);
    }
    return PyBool_FromLong(room);
}

/* Remove the last edge; its end, or None. */
static PyObject *
MyClass_pop(PyObject *self, PyObject *unused)
{
    node *from = unwrap(self), *to;
    PyObject *result;

    (void)unused;
    if (from == NULL)
        return NULL;
    pthread_mutex_lock(&from->lock);
    to = from->n_edges ? from->edges[--from->n_edges] : NULL;
    pthread_mutex_unlock(&from->lock);
    if (to == NULL)
        Py_RETURN_NONE;
    result = wrap(to);
#ifdef STRESS_mirrored
    mirrored_edge_gone(from, to);
#endif
    release_keeping_error(to);
    return result;
}

static PyMethodDef MyClass_methods[] = {
    {"id", MyClass_id, METH_NOARGS, NULL},
    {"died", MyClass_died, METH_NOARGS, NULL},
    {"append", MyClass_append, METH_O, NULL},
    {"pop", MyClass_pop, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyMemberDef MyClass_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(wrapper, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(wrapper, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyGetSetDef MyClass_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
#if !defined(STRESS_toggleref) && !defined(STRESS_mirrored) && !defined(STRESS_intrusive)
    {"__class__", lt_get_class, lt_set_class, NULL, NULL},
#endif
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot MyClass_slots[] = {
    {Py_tp_new, MyClass_new},         {Py_tp_dealloc, DEALLOC},
    {Py_tp_traverse, TRAVERSE},       {Py_tp_clear, CLEAR},
    {Py_tp_methods, MyClass_methods}, {Py_tp_members, MyClass_members},
    {Py_tp_getset, MyClass_getset},   {0, NULL},
};

/* ---- holders ------------------------------------------------------------------------------ */

typedef struct {
    PyObject_HEAD
    node *native;
    lt_word lock;
} holder;

/* The node and a reference for the caller, another one or the holder's own; or NULL. */
static node *
held(PyObject *self, bool take)
{
    holder *h = (holder *)self;
    node *n;

    lt_lock_word(&h->lock);
    n = h->native;
    if (take)
        h->native = NULL;
    else if (n)
        SCHEME(retain)(n);
    lt_unlock_word(&h->lock);
    return n;
}

static PyObject *
Holder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *op, *self;
    node *n;

    (void)kwargs;
    lt_drain(&queue);
    if (!PyArg_ParseTuple(args, "O", &op) || !(n = unwrap(op)) || !(self = type->tp_alloc(type, 0)))
        return NULL;
    SCHEME(retain)(n);
    HOLDER_MADE(n);
    ((holder *)self)->native = n;
    return self;
}

static int
Holder_traverse(PyObject *self, visitproc visit, void *arg)
{
    node *n = ((holder *)self)->native;

    Py_VISIT(Py_TYPE(self));
    if (n == NULL)
        return 0;
#if defined(STRESS_instancemap)
    return 0;
#elif defined(STRESS_mirrored)
    return mirrored_visit(n, self, visit, arg);
#else
    return SCHEME(visit)(n, self, visit, arg);
#endif
}

static int
Holder_clear(PyObject *self)
{
    node *n = held(self, true);

    if (n) {
        HOLDER_GONE(n);
        SCHEME(release)(n);
    }
    return 0;
}

static void
Holder_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_GC_UnTrack(self);
    Holder_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
Holder_get(PyObject *self, PyObject *unused)
{
    node *n = held(self, false);
    PyObject *result;

    (void)unused;
    lt_drain(&queue);
    if (n == NULL)
        Py_RETURN_NONE;
    result = wrap(n);
    release_keeping_error(n);
    return result;
}

static PyObject *
Holder_release(PyObject *self, PyObject *unused)
{
    (void)unused;
    Holder_clear(self);
    Py_RETURN_NONE;
}

static PyMethodDef Holder_methods[] = {
    {"get", Holder_get, METH_NOARGS, NULL},
    {"release", Holder_release, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot Holder_slots[] = {
    {Py_tp_new, Holder_new},     {Py_tp_dealloc, Holder_dealloc}, {Py_tp_traverse, Holder_traverse},
    {Py_tp_clear, Holder_clear}, {Py_tp_methods, Holder_methods}, {0, NULL},
};

/* ---- cells -------------------------------------------------------------------------------- */

#define CELLS 16

static struct cell {
    node *native; /* owns a reference */
    pthread_mutex_t lock;
    char apart[64];
} cells[CELLS];

/* Put n into the cell; what was there is the caller's. */
static node *
cell_exchange(struct cell *cell, node *n)
{
    node *old;

    pthread_mutex_lock(&cell->lock);
    old = cell->native;
    cell->native = n;
    pthread_mutex_unlock(&cell->lock);
    return old;
}

static struct cell *
cell_arg(PyObject *arg)
{
    return &cells[PyLong_AsUnsignedLong(arg) % CELLS];
}

/* put(i, object), object None: empty it. */
static PyObject *
put(PyObject *module, PyObject *args)
{
    PyObject *index, *op;
    node *n = NULL, *old;

    (void)module;
    lt_drain(&queue);
    if (!PyArg_ParseTuple(args, "OO", &index, &op) || (op != Py_None && !(n = unwrap(op))))
        return NULL;
    if (n)
        SCHEME(retain)(n);
    old = cell_exchange(cell_arg(index), n);
    if (old)
        SCHEME(release)(old);
    Py_RETURN_NONE;
}

/* Put an object there that has never had a wrapper. */
static PyObject *
born(PyObject *module, PyObject *index)
{
    node *old;

    (void)module;
    lt_drain(&queue);
    atomic_fetch_add(&births, 1);
    old = cell_exchange(cell_arg(index), node_new());
    if (old)
        SCHEME(release)(old);
    Py_RETURN_NONE;
}

/* The wrapper of what is there, or None. Either with the cell's lock, if the wrapper is there. */
static PyObject *
get(PyObject *module, PyObject *index)
{
    struct cell *cell = cell_arg(index);
    PyObject *result = NULL;
    node *n;

    (void)module;
    lt_drain(&queue);
    pthread_mutex_lock(&cell->lock);
    n = cell->native;
    if (n)
        result = SCHEME(live)(n);
    if (n && !result)
        SCHEME(retain)(n);
    pthread_mutex_unlock(&cell->lock);
    if (n == NULL)
        Py_RETURN_NONE;
    if (result == NULL) {
        result = wrap(n);
        release_keeping_error(n);
    }
    return result;
}

/* Whether two wraps of op's object, at the same time as it, are op. */
static PyObject *
same(PyObject *module, PyObject *op)
{
    node *n = unwrap(op);
    PyObject *again;

    (void)module;
    if (n == NULL)
        return NULL;
    SCHEME(retain)(n);
    again = SCHEME(wrap)(n);
    expect(again == op, &n_two_wrappers);
    SCHEME(release)(n);
    Py_XDECREF(again);
    return PyBool_FromLong(again == op);
}

/* ---- native threads ------------------------------------------------------------------------ */

#define MOST 16
static pthread_t threads[MOST];
static int n_threads;
static _Atomic bool stopping;

/* Retain and release, take away, move between cells, make objects; and now and then attach. */
static void *
native_thread(void *arg)
{
    uint32_t random = (uint32_t)(uintptr_t)arg * 2654435761u + 1;

    while (!atomic_load(&stopping)) {
        struct cell *cell;
        node *n;

        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        cell = &cells[random % CELLS];
        atomic_fetch_add_explicit(&native_operations, 1, memory_order_relaxed);
        if (random >> 8 & 7) {
            pthread_mutex_lock(&cell->lock);
            if ((n = cell->native))
                retain_unattached(n);
            pthread_mutex_unlock(&cell->lock);
        }
        else
            n = cell_exchange(cell, random >> 11 & 3 ? NULL : node_new());
        if (n == NULL) {
            sched_yield();
            continue;
        }
        expect(atomic_load(&n->magic) == ALIVE, &n_used_dead);
        if ((random >> 16 & 31) == 0) {
            PyGILState_STATE gil = PyGILState_Ensure();
            PyObject *self = wrap(n);
            if (self == NULL)
                PyErr_Clear();
            Py_XDECREF(self);
            PyGILState_Release(gil);
        }
        else if ((random >> 16 & 7) == 1)
            n = cell_exchange(&cells[(random >> 21) % CELLS], n); /* the reference goes there */
        if (n)
            release_unattached(n);
    }
    return NULL;
}

/* start(n): native threads. */
static PyObject *
start(PyObject *module, PyObject *arg)
{
    static int started;
    int n = (int)PyLong_AsLong(arg);

    (void)module;
    atomic_store(&stopping, false);
    for (n_threads = 0; n_threads < n && n_threads < MOST; n_threads++)
        if (pthread_create(&threads[n_threads], NULL, native_thread, (void *)(uintptr_t)++started))
            abort();
    Py_RETURN_NONE;
}

static PyObject *
stop(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    atomic_store(&stopping, true);
    Py_BEGIN_ALLOW_THREADS
    while (n_threads)
        pthread_join(threads[--n_threads], NULL);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* Empty the cells, and wait until what is in the queue has been released. */
static PyObject *
settle(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    for (int i = 0; i < CELLS; i++) {
        node *n = cell_exchange(&cells[i], NULL);
        if (n)
            SCHEME(release)(n);
    }
    return PyBool_FromLong(lt_drain_until(&queue, 60000000));
}

static PyObject *
disarm(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    lt_disarm(&queue);
    Py_RETURN_NONE;
}

static PyObject *
problems(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
#define P(what) #what, (long long)atomic_load(&n_##what)
    return Py_BuildValue("{sLsLsLsLsLsLsL}", P(freed_twice), P(freed_in_use), P(used_dead),
                         P(another_wrapper), P(two_wrappers), P(deaths), P(refused));
}

/* (objects, wrappers, objects made by Python threads, operations of native threads) */
static PyObject *
counts(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    return Py_BuildValue("(LLLL)", (long long)atomic_load(&live), (long long)atomic_load(&wrappers),
                         (long long)atomic_load(&births),
                         (long long)atomic_load(&native_operations));
}

static PyMethodDef functions[] = {
    {"put", put, METH_VARARGS, NULL},
    {"born", born, METH_O, NULL},
    {"get", get, METH_O, NULL},
    {"same", same, METH_O, NULL},
    {"start", start, METH_O, NULL},
    {"stop", stop, METH_NOARGS, NULL},
    {"settle", settle, METH_NOARGS, NULL},
    {"disarm", disarm, METH_NOARGS, NULL},
    {"problems", problems, METH_NOARGS, NULL},
    {"counts", counts, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "stress_test", NULL, -1, functions, NULL, NULL, NULL, NULL};

static PyTypeObject *
add_class(PyObject *module, const char *name, int size, PyType_Slot *slots)
{
    PyType_Spec spec = {name, size, 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);

    return type && PyModule_AddType(module, (PyTypeObject *)type) == 0 ? (PyTypeObject *)type
                                                                       : NULL;
}

PyMODINIT_FUNC
PyInit_stress_test(void)
{
    PyObject *module = PyModule_Create(&definition);

    queue.release = release_queued;
    for (int i = 0; i < CELLS; i++)
        pthread_mutex_init(&cells[i].lock, NULL);
#ifdef Py_GIL_DISABLED
    if (module)
        PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    if (module == NULL ||
        !(MyClass = add_class(module, "stress_test.MyClass", sizeof(wrapper), MyClass_slots)) ||
        !(Holder = add_class(module, "stress_test.Holder", sizeof(holder), Holder_slots)) ||
        lt_check_class(MyClass) < 0 || PyModule_AddIntConstant(module, "KEEPS", KEEPS) < 0 ||
        PyModule_AddIntConstant(module, "CYCLES", CYCLES) < 0 ||
        PyModule_AddIntConstant(module, "CELLS", CELLS) < 0)
        return NULL;
    return module;
}
