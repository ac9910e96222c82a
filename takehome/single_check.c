/* single_check.c: a native type of its own for scheme_single.h, to compile it with nothing else.
 *
 * A template: build.py --check puts each scheme's name in the place of "scheme", defines
 * CHECK_<name>, and compiles the result as C11 and as C++17 with all warnings. */
#include "scheme_single.h"

#ifdef __clang__ /* not every scheme asks for every accessor below */
#pragma clang diagnostic ignored "-Wunused-function"
#endif

typedef struct node {
    LT_ATOMIC(int64_t) refs;
    lt_slot slot;
    void *more;
} node;

typedef struct {
    PyObject_HEAD
    node *native;
    PyObject *dict, *weakrefs;
} wrapper;

#ifdef CHECK_mirrored
#define ACCESSOR(name) toggleref_##name
#else
#define ACCESSOR(name) scheme_##name
#endif

typedef node ACCESSOR(native);
static inline node *
ACCESSOR(of)(PyObject *self)
{
    return ((wrapper *)self)->native;
}
static inline void
ACCESSOR(set)(PyObject *self, node *n)
{
    ((wrapper *)self)->native = n;
}
static inline lt_slot *
ACCESSOR(slot)(node *n)
{
    return &n->slot;
}
static inline void **
ACCESSOR(data)(node *n)
{
    return &n->more;
}
static inline int64_t
ACCESSOR(inc)(node *n)
{
    return LT_STD(atomic_fetch_add)(&n->refs, 1) + 1;
}
static inline int64_t
ACCESSOR(dec)(node *n)
{
    return LT_STD(atomic_fetch_sub)(&n->refs, 1) - 1;
}
static inline void
ACCESSOR(free)(node *n)
{
    PyMem_RawFree(n);
}
#ifdef CHECK_intrusive
static inline LT_ATOMIC(int64_t) * ACCESSOR(word)(node *n)
{
    return &n->refs;
}
#else
static inline int64_t
ACCESSOR(refs)(node *n)
{
    return LT_STD(atomic_load)(&n->refs);
}
#endif
#ifdef CHECK_instancemap
static inline void
ACCESSOR(retain)(node *n)
{
    ACCESSOR(inc)(n);
}
static inline void
ACCESSOR(release)(node *n)
{
    if (ACCESSOR(dec)(n) == 0)
        ACCESSOR(free)(n);
}
#endif
#if defined(CHECK_ghost) || defined(CHECK_nativedict)
static PyObject *
ACCESSOR(alloc)(PyTypeObject *type)
{
    return lt_new_quietly(type);
}
#else
static PyObject *
ACCESSOR(make)(node *n)
{
    return PyErr_Format(PyExc_TypeError, "%p", (void *)n);
}
#endif

#define SCHEME_IMPLEMENTATION
#include "scheme_single.h"

#ifdef CHECK_mirrored
static inline mirrored_mirror **
mirrored_mirror_of(node *n)
{
    return (mirrored_mirror **)(void *)&n->more;
}
static void
mirrored_remove_edges(node *n)
{
    (void)n;
}
#endif

extern PyType_Slot check_slots[];
PyType_Slot check_slots[] = {
    {Py_tp_dealloc, (void *)scheme_dealloc},
    {Py_tp_traverse, (void *)scheme_traverse},
    {Py_tp_clear, (void *)scheme_clear},
#ifdef CHECK_finalizer
    {Py_tp_finalize, (void *)finalizer_finalize},
#endif
    {0, NULL},
};

/* Every function that an extension calls. */
extern PyObject *check_life(PyTypeObject *, node *, lt_queue *);
PyObject *
check_life(PyTypeObject *type, node *n, lt_queue *queue)
{
    PyObject *self = ACCESSOR(new)(type);

    if (self == NULL || lt_check_class(type) < 0)
        return NULL;
    if (!ACCESSOR(adopt)(self, n))
        return NULL;
    ACCESSOR(retain)(n);
    ACCESSOR(release)(n);
    lt_drain(queue);
    lt_drain_until(queue, 1000);
    lt_disarm(queue);
    lt_after_fork_in_child(queue);
#if !defined(CHECK_intrusive) && !defined(CHECK_instancemap)
    if (lt_release_unattached(queue, &n->slot, &n->refs) == 0)
        ACCESSOR(free)(n);
#endif
    return ACCESSOR(wrap)(n);
}
