/* complete_toggleref.c: the whole binding over toggleref.h.
 *
 *     cc -O2 -shared -fPIC -pthread $(python3-config --includes) complete_toggleref.c \
 *         -o complete_toggleref$(python3-config --extension-suffix)
 *
 * library.h is the native library, binding.h the Python classes. This file connects them: the
 * accessors, and the release for unattached threads. */
#define NAME "complete_toggleref"
#define SCHEME(name) toggleref_##name
#define NODE_MEMBERS lt_slot slot;
#include "wrapper.h"

/* ---- what toggleref.h asks for ---------------------------------------------------------- */

typedef node toggleref_native;
static inline node *
toggleref_of(PyObject *self)
{
    return node_of(self);
}
static inline lt_slot *
toggleref_slot(node *n)
{
    return &n->slot;
}
static inline int64_t
toggleref_refs(node *n)
{
    return atomic_load_explicit(&n->refs, memory_order_relaxed);
}
static inline int64_t
toggleref_inc(node *n)
{
    return node_inc(n);
}
static inline int64_t
toggleref_dec(node *n)
{
    return node_dec(n);
}
static inline void
toggleref_free(node *n)
{
    node_free(n);
}
static PyObject *toggleref_make(node *n);
#define TOGGLEREF_EVENT(what) COUNT(what)
#define TOGGLEREF_VISIT_MORE(self, visit, arg) visit_callback(node_of(self), visit, arg)
#define TOGGLEREF_CLEAR_MORE(self) clear_callback(node_of(self))

#include "../toggleref/toggleref.h"

/* ---- unattached threads ------------------------------------------------------------------ */

/* The thread holds a reference, so the count is 2 or more if there is a wrapper: native code
 * owns its Python reference already. */
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
    toggleref_release((node *)(void *)((char *)slot - offsetof(node, slot)));
}

#include "binding.h"

PyMODINIT_FUNC
PyInit_complete_toggleref(void)
{
    return PyModuleDef_Init(&definition);
}
