/* node.h: a native type for kit_test.c, and three schemes over it.
 *
 * Its wrappers are of three classes: Preserve over preserve.h, Toggle over toggleref.h, and
 * Mapped, which keeps a borrowed pointer that its dying hook removes. */
#ifndef NODE_H
#define NODE_H

#include "lifetime/lifetime.h"

/* The queue's thread cannot be started as long as this is more than 0. */
static LT_ATOMIC(int) refuse_threads;

static inline unsigned long
start_thread(void (*run)(void *), void *arg)
{
    if (LT_STD(atomic_load)(&refuse_threads) > 0) {
        LT_STD(atomic_fetch_sub)(&refuse_threads, 1);
        return PYTHREAD_INVALID_THREAD_ID;
    }
    return PyThread_start_new_thread(run, arg);
}
#define PyThread_start_new_thread start_thread
#include "lifetime/queue.h"
#undef PyThread_start_new_thread

#include <stddef.h>

/* ---- the native type: any library's, with a plain atomic count ------------------- */

enum { PRESERVE, TOGGLE, MAPPED };

typedef struct node {
    LT_ATOMIC(int64_t) refs;
    lt_slot slot;
    int scheme;
    bool keep_once; /* Mapped: the keep hook keeps the wrapper one time */
    size_t n_edges;
    struct node **edges; /* each owns one native reference */
} node;

typedef struct {
    PyObject_HEAD
    node *native;
    PyObject *dict, *weakrefs;
} wrapper;

static LT_ATOMIC(int64_t) live;   /* nodes */
static LT_ATOMIC(int64_t) errors; /* broken promises that only C sees */
static lt_queue queue;
static PyTypeObject *classes[3];
static PyObject *free_log, *call_log;          /* lists, or NULL */
static PyObject *kept;                         /* what the keep hook of Mapped kept */
static LT_ATOMIC(int) n_keep, n_dying, n_drop; /* calls of Mapped's hooks */

static node *
node_new(int scheme)
{
    node *n = (node *)calloc(1, sizeof *n);

    if (n) {
        LT_STD(atomic_store)(&n->refs, 1);
        n->scheme = scheme;
        LT_STD(atomic_fetch_add)(&live, 1);
    }
    return n;
}

static void
expect(bool promise)
{
    if (!promise)
        LT_STD(atomic_fetch_add)(&errors, 1);
}

static int64_t
node_dec(node *n)
{
    int64_t left = LT_STD(atomic_fetch_sub)(&n->refs, 1) - 1;

    expect(left >= 0);
    return left;
}

static void
log_death(const char *name)
{
    PyObject *type, *value, *tb, *word;

    if (free_log == NULL)
        return;
    PyErr_Fetch(&type, &value, &tb);
    word = PyUnicode_FromString(name);
    expect(word && PyList_Append(free_log, word) == 0);
    Py_XDECREF(word);
    PyErr_Restore(type, value, tb);
}

/* Attached or not. Edges go through the queue, so that a chain does not recurse. */
static void
node_free(node *n)
{
    expect(lt_wrapper(&n->slot) == NULL && lt_holders(&n->slot) == 0 &&
           LT_STD(atomic_load)(&n->slot.handed_over) == 0);
    for (size_t i = 0; i < n->n_edges; i++)
        lt_hand_over(&queue, &n->edges[i]->slot);
    free(n->edges);
    if (lt_attached())
        log_death("native");
    /* A use after this shows. */
    for (size_t i = 0; i < sizeof *n; i++)
        ((volatile unsigned char *)n)[i] = 0xdd;
    free(n);
    LT_STD(atomic_fetch_sub)(&live, 1);
}

static node *
node_of(PyObject *self)
{
    return ((wrapper *)self)->native;
}

/* ---- three schemes --------------------------------------------------------------- */

#define ACCESSORS(X)                                      \
    static inline node *X##_of(PyObject *self)            \
    {                                                     \
        return node_of(self);                             \
    }                                                     \
    static inline lt_slot *X##_slot(node *n)              \
    {                                                     \
        return &n->slot;                                  \
    }                                                     \
    static inline int64_t X##_refs(node *n)               \
    {                                                     \
        return LT_STD(atomic_load)(&n->refs);             \
    }                                                     \
    static inline int64_t X##_inc(node *n)                \
    {                                                     \
        return LT_STD(atomic_fetch_add)(&n->refs, 1) + 1; \
    }                                                     \
    static inline int64_t X##_dec(node *n)                \
    {                                                     \
        return node_dec(n);                               \
    }                                                     \
    static inline void X##_free(node *n)                  \
    {                                                     \
        node_free(n);                                     \
    }                                                     \
    static PyObject *X##_make(node *n);

typedef node preserve_native;
ACCESSORS(preserve)
#include "preserve/preserve.h"

typedef node toggleref_native;
ACCESSORS(toggleref)
#include "toggleref/toggleref.h"

/* Mapped: slot.wrapper is borrowed; the wrapper dies though native code holds the node. */
static PyObject *mapped_make(node *n);

static PyObject *
mapped_new(PyTypeObject *type)
{
    lt_own(type);
    return lt_new(type);
}

static bool
mapped_adopt(PyObject *self, node *n)
{
    bool first;

    lt_unbias(self);
    lt_lock(&n->slot);
    first = lt_wrapper(&n->slot) == NULL;
    if (first)
        lt_set_wrapper(&n->slot, self);
    lt_unlock(&n->slot);
    return first;
}

static PyObject *
mapped_wrap(node *n)
{
    for (int tries = 0;; tries++) {
        PyObject *self;
        bool alive;

        lt_lock(&n->slot); /* it cannot be destroyed meanwhile */
        self = lt_wrapper(&n->slot);
        alive = self && lt_try_incref(self);
        lt_unlock(&n->slot);
        if (self == NULL)
            return mapped_make(n);
        if (alive)
            return self;
        if (lt_retry(tries) < 0)
            return NULL;
    }
}

static void
mapped_release(node *n)
{
    if (node_dec(n) == 0)
        node_free(n);
}

static bool
mapped_keep(PyObject *self)
{
    node *n = node_of(self);

    n_keep++;
    if (n == NULL || !n->keep_once)
        return lt_keep_never(self);
    n->keep_once = false;
    lt_resurrect(self);
    Py_XSETREF(kept, self);
    return true;
}

static void
mapped_dying(PyObject *self)
{
    node *n = node_of(self);

    n_dying++;
    expect(!PyObject_GC_IsTracked(self));
    if (n == NULL)
        return;
    lt_lock(&n->slot);
    if (lt_wrapper(&n->slot) == self)
        lt_set_wrapper(&n->slot, NULL);
    lt_unlock(&n->slot);
}

static void
mapped_drop(PyObject *self)
{
    n_drop++;
    expect(*lt_dict(self) == NULL && !lt_has_weakrefs(self));
    if (node_of(self))
        mapped_release(node_of(self));
}

static void
mapped_dealloc(PyObject *self)
{
    if (!mapped_keep(self))
        lt_die(self, mapped_dealloc, mapped_keep, mapped_dying, mapped_drop);
}

static int
mapped_clear(PyObject *self)
{
    lt_clear(self);
    return 0;
}
#define mapped_traverse lt_traverse

#define SCHEME(X, NUMBER)                                                                    \
    static PyObject *X##_make(node *n)                                                       \
    {                                                                                        \
        PyObject *self = lt_new_quietly(classes[NUMBER]);                                    \
        if (self) {                                                                          \
            ((wrapper *)self)->native = n;                                                   \
            LT_STD(atomic_fetch_add)(&n->refs, 1);                                           \
        }                                                                                    \
        if (self == NULL || X##_adopt(self, n))                                              \
            return self;                                                                     \
        ((wrapper *)self)->native = NULL; /* another thread was first */                     \
        Py_DECREF(self);                                                                     \
        X##_release(n);                                                                      \
        return X##_wrap(n);                                                                  \
    }                                                                                        \
    static PyObject *X##_tp_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)        \
    {                                                                                        \
        PyObject *self = X##_new(type);                                                      \
        (void)args, (void)kwargs;                                                            \
        if (self && (((wrapper *)self)->native = node_new(NUMBER)))                          \
            X##_adopt(self, node_of(self));                                                  \
        return self;                                                                         \
    }                                                                                        \
    static PyType_Slot X##_slots[] = {{Py_tp_new, (void *)X##_tp_new},                       \
                                      {Py_tp_dealloc, (void *)X##_dealloc},                  \
                                      {Py_tp_traverse, (void *)X##_traverse},                \
                                      {Py_tp_clear, (void *)X##_clear},                      \
                                      {Py_tp_getset, (void *)(getset + (NUMBER == TOGGLE))}, \
                                      {Py_tp_members, (void *)members},                      \
                                      {0, NULL}};

/* Toggle begins with the second: its subclasses keep CPython's slots. */
static PyGetSetDef getset[] = {
    {"__class__", lt_get_class, lt_set_class, NULL, NULL},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL}};
static PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(wrapper, dict), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(wrapper, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL}};

SCHEME(preserve, PRESERVE)
SCHEME(toggleref, TOGGLE)
SCHEME(mapped, MAPPED)

#define DISPATCH(n, what)                          \
    ((n)->scheme == PRESERVE ? preserve_##what(n)  \
     : (n)->scheme == TOGGLE ? toggleref_##what(n) \
                             : mapped_##what(n))

static void
mapped_retain(node *n)
{
    LT_STD(atomic_fetch_add)(&n->refs, 1);
}

static void
release_slot(lt_slot *slot)
{
    node *n = (node *)((char *)slot - offsetof(node, slot));

    expect(lt_attached() && lt_scope_of(&queue) != NULL);
    DISPATCH(n, release);
}

/* The node that object, a wrapper or a handle, names. NULL with TypeError. */
static node *
node_arg(PyObject *object)
{
    node *n = NULL;

    if (PyLong_Check(object))
        return (node *)PyLong_AsVoidPtr(object);
    for (int i = 0; i < 3 && n == NULL; i++)
        if (PyObject_TypeCheck(object, classes[i]))
            n = node_of(object);
    if (n == NULL)
        PyErr_SetString(PyExc_TypeError, "no native object");
    return n;
}

#endif
