/* complete_intrusive.c: the whole binding over intrusive.h.
 *
 *     cc -O2 -shared -fPIC -pthread $(python3-config --includes) complete_intrusive.c \
 *         -o complete_intrusive$(python3-config --extension-suffix)
 *
 * library.h is the native library, binding.h the Python classes. This file connects them. The
 * library's count is the scheme's word: plain, as the library made it, until there is a
 * wrapper; then Python counts, and the word says so. From then on the library must not change
 * it by node_inc and node_dec: hence the two functions for unattached threads are the scheme's
 * own, and the library releases its edges by node_hooks.release. */
#define NAME "complete_intrusive"
#define SCHEME(name) intrusive_##name
#define NODE_MEMBERS lt_slot slot;
#include "wrapper.h"

/* ---- what intrusive.h asks for --------------------------------------------------------- */

typedef node intrusive_native;
static inline node *
intrusive_of(PyObject *self)
{
    return node_of(self);
}
static inline lt_slot *
intrusive_slot(node *n)
{
    return &n->slot;
}
static inline LT_ATOMIC(int64_t) * intrusive_word(node *n)
{
    return &n->refs;
}
static inline void
intrusive_free(node *n)
{
    node_free(n);
}
static PyObject *intrusive_make(node *n);
#define INTRUSIVE_EVENT(what) COUNT(what)
#define INTRUSIVE_VISIT_MORE(self, visit, arg) visit_callback(node_of(self), visit, arg)
#define INTRUSIVE_CLEAR_MORE(self) clear_callback(node_of(self))

#include "../intrusive/intrusive.h"

/* gc sees a holder's reference as the Python reference that it is: there is nothing to keep
 * account of. */
static inline void
intrusive_holder_made(node *n)
{
    (void)n;
}
static inline void
intrusive_holder_gone(node *n)
{
    (void)n;
}

/* ---- unattached threads ------------------------------------------------------------------ */

static inline void
retain_unattached(node *n)
{
    intrusive_retain_unattached(n);
}

static inline void
release_unattached(node *n)
{
    if (!intrusive_release_unattached(n, &queue))
        node_free(n); /* it never had a wrapper */
}

static void
release_queued(lt_slot *slot)
{
    intrusive_release_queued((node *)(void *)((char *)slot - offsetof(node, slot)));
}

#include "binding.h"

PyMODINIT_FUNC
PyInit_complete_intrusive(void)
{
    return PyModuleDef_Init(&definition);
}
