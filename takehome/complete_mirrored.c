/* complete_mirrored.c: the whole binding over mirrored.h.
 *
 *     cc -O2 -shared -fPIC -pthread $(python3-config --includes) complete_mirrored.c \
 *         -o complete_mirrored$(python3-config --extension-suffix)
 *
 * library.h is the native library, binding.h the Python classes. This file connects them.
 * mirrored.h is toggleref.h and a mirror of the edges that Python code makes: so the accessors are
 * toggleref's, the binding reports edges (EDGE_MADE, EDGE_GONE), and every node has a pointer to
 * its mirror. */
#define NAME "complete_mirrored"
#define SCHEME(name) mirrored_##name
#define NODE_MEMBERS \
    lt_slot slot;    \
    struct mirrored_mirror *mirror;
#define EDGE_MADE(from, to) mirrored_edge_made(from, to)
#define EDGE_GONE(from, to) mirrored_edge_gone(from, to)
#include "wrapper.h"

/* ---- what mirrored.h asks for ---------------------------------------------------------- */

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

#include "../mirrored/mirrored.h"

static inline mirrored_mirror **
mirrored_mirror_of(node *n)
{
    return &n->mirror;
}

/* The mirror is gone already. What the edges release dies by node_free's loop. */
static void
mirrored_remove_edges(node *n)
{
    node_remove_edges(n);
}

/* What mirrored.h leaves to toggleref.h. */
#define mirrored_make toggleref_make
#define mirrored_new toggleref_new
#define mirrored_adopt toggleref_adopt
#define mirrored_live toggleref_live
#define mirrored_wrap toggleref_wrap
#define mirrored_retain toggleref_retain
#define mirrored_release toggleref_release
#define mirrored_holder_made toggleref_holder_made
#define mirrored_holder_gone toggleref_holder_gone

/* ---- unattached threads --------------------------------------------------------------------- */

static inline void
retain_unattached(node *n)
{
    node_inc(n);
}

/* All of them, not only the last beside the wrapper's: see mirrored_visit. */
static inline void
release_unattached(node *n)
{
    lt_hand_over(&queue, &n->slot);
}

static void
release_queued(lt_slot *slot)
{
    toggleref_release((node *)(void *)((char *)slot - offsetof(node, slot)));
}

#include "binding.h"

PyMODINIT_FUNC
PyInit_complete_mirrored(void)
{
    return PyModuleDef_Init(&definition);
}
