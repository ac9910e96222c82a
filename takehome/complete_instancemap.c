/* complete_instancemap.c: the whole binding over instancemap.h.
 *
 *     cc -O2 -shared -fPIC -pthread $(python3-config --includes) complete_instancemap.c \
 *         -o complete_instancemap$(python3-config --extension-suffix)
 *
 * library.h is the native library, binding.h the Python classes. This file connects them. The
 * library is taken as it is: its nodes have no slot (NODE_MEMBERS is empty), and its count counts
 * the wrapper as any other owner. So any thread may release the last reference beside a wrapper's
 * without handing it over. The queue has only callbacks of nodes that an unattached thread
 * destroys. */
#define NAME "complete_instancemap"
#define SCHEME(name) instancemap_##name
#define MORE_GETSET {"__class__", lt_get_class, lt_set_class, NULL, NULL},
#include "wrapper.h"

/* Whether the wrapper is the node's only owner. Only then is the node's callback as good as the
 * wrapper's own: wrapper and node die at different times. An unattached thread that releases
 * its reference during a collection turns the answer from no to yes: then gc keeps more. */
static inline bool
owns_alone(PyObject *self)
{
    return node_of(self) && atomic_load(&node_of(self)->refs) == 1;
}

/* ---- what instancemap.h asks for ------------------------------------------------------- */

typedef node instancemap_native;
static inline node *
instancemap_of(PyObject *self)
{
    return node_of(self);
}
static inline void
instancemap_retain(node *n)
{
    node_inc(n);
}
static inline void
instancemap_release(node *n)
{
    node_release(n);
}
static PyObject *instancemap_make(node *n);
#define INSTANCEMAP_EVENT(what) COUNT(what)
#define INSTANCEMAP_VISIT_MORE(self, visit, arg) \
    (owns_alone(self) && visit_callback(node_of(self), visit, arg))
#define INSTANCEMAP_CLEAR_MORE(self) (owns_alone(self) ? clear_callback(node_of(self)) : (void)0)

#include "../instancemap/instancemap.h"

/* A native reference keeps no wrapper, so a holder has none to show to gc. */
static inline void
instancemap_holder_made(node *n)
{
    (void)n;
}
static inline void
instancemap_holder_gone(node *n)
{
    (void)n;
}

static inline int
instancemap_visit(node *n, PyObject *holder, visitproc visit, void *arg)
{
    (void)n, (void)holder, (void)visit, (void)arg;
    return 0;
}

/* ---- unattached threads: as attached ones --------------------------------------------------- */

#define retain_unattached node_inc
#define release_unattached node_release
#define release_queued NULL

#include "binding.h"

PyMODINIT_FUNC
PyInit_complete_instancemap(void)
{
    return PyModuleDef_Init(&definition);
}
