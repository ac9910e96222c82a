/* wrapper.h: what MyClass is made of, for the accessors that a scheme asks for. Include it
 * before the scheme's header, and binding.h after it. */
#ifndef WRAPPER_H
#define WRAPPER_H

#include "../lifetime/queue.h"

#include "library.h"

typedef struct {
    PyObject_HEAD
    node *native; /* owns a reference; NULL until tp_new is done */
    PyObject *dict, *weakrefs;
} wrapper;

static inline node *
node_of(PyObject *self)
{
    return ((wrapper *)self)->native;
}

/* References and calls that unattached threads hand over. */
static lt_queue queue;

/* Totals since the start. */
static struct {
    _Atomic(long long) wrappers_created, wrappers_freed, flips, resurrections;
} stats;

#define COUNT(what) atomic_fetch_add_explicit(&stats.what, 1, memory_order_relaxed)

/* A node's data is the Python function that answers its events. The reference is the node's,
 * but while only the wrapper keeps the node it is as good as the wrapper's, and gc must see it:
 * for the scheme's VISIT_MORE and CLEAR_MORE. */
static inline int
visit_callback(node *n, visitproc visit, void *arg)
{
    if (n)
        Py_VISIT((PyObject *)n->data);
    return 0;
}

static inline void
clear_callback(node *n)
{
    if (n)
        node_set_data(n, NULL);
}

#endif
