/* complete_preserve.c: the whole binding over preserve.h.
 *
 *     cc -O2 -shared -fPIC -pthread $(python3-config --includes) complete_preserve.c \
 *         -o complete_preserve$(python3-config --extension-suffix)
 *
 * library.h is the native library, binding.h the Python classes. This file connects them: the
 * accessors, and the release for unattached threads. */
#define NAME "complete_preserve"
#define SCHEME(name) preserve_##name
#define NODE_MEMBERS lt_slot slot;
#define MORE_GETSET {"__class__", lt_get_class, lt_set_class, NULL, NULL},
#include "wrapper.h"

/* ---- what preserve.h asks for ---------------------------------------------------------- */

typedef node preserve_native;
static inline node *
preserve_of(PyObject *self)
{
    return node_of(self);
}
static inline lt_slot *
preserve_slot(node *n)
{
    return &n->slot;
}
static inline int64_t
preserve_refs(node *n)
{
    return atomic_load_explicit(&n->refs, memory_order_relaxed);
}
static inline int64_t
preserve_inc(node *n)
{
    return node_inc(n);
}
static inline int64_t
preserve_dec(node *n)
{
    return node_dec(n);
}
static inline void
preserve_free(node *n)
{
    node_free(n);
}
static PyObject *preserve_make(node *n);
#define PRESERVE_EVENT(what) COUNT(what)
#define PRESERVE_VISIT_MORE(self, visit, arg) visit_callback(node_of(self), visit, arg)
#define PRESERVE_CLEAR_MORE(self) clear_callback(node_of(self))

#include "../preserve/preserve.h"

/* ---- unattached threads ------------------------------------------------------------------ */

/* The thread holds a reference, so the count is 2 or more if there is a wrapper: it does not
 * leave 1, and no flip and no death depends on it. */
static inline void
retain_unattached(node *n)
{
    node_inc(n);
}

/* The count goes from 2 to 1 by the queue only. At 0 there is no wrapper. */
static inline void
release_unattached(node *n)
{
    if (lt_release_unattached(&queue, &n->slot, &n->refs) == 0)
        node_free(n);
}

static void
release_queued(lt_slot *slot)
{
    preserve_release((node *)(void *)((char *)slot - offsetof(node, slot)));
}

#include "binding.h"

PyMODINIT_FUNC
PyInit_complete_preserve(void)
{
    return PyModuleDef_Init(&definition);
}
