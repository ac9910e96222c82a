/* naive.h: recreate on demand.
 *
 *     def wrap(native):
 *         return make(native)                    # every time
 *
 *     class MyClass:
 *         def __dealloc__(self):
 *             die(self)                          # weakrefs, dict
 *             self.native.release()
 *
 * There are no states: each wrapper owns one native reference from naive_adopt to its death,
 * and the native object does not know its wrappers.
 *
 * Define before including this file, for a native type of your own:
 *
 *     typedef struct node naive_native;
 *     static inline node *naive_of(PyObject *self);          NULL until you set it before naive_adopt
 *     static inline int64_t naive_inc(node *);               count only; the new count
 *     static inline int64_t naive_dec(node *);               count only; the new count
 *     static inline void naive_free(node *);                 the count is 0: destroy
 *     static PyObject *naive_make(node *);                   a wrapper that owns a reference
 * Optional macros: NAIVE_EVENT(wrappers_freed); NAIVE_VISIT_MORE(self, visit, arg) and
 * NAIVE_CLEAR_MORE(self) for Python references that the node itself holds.
 *
 * List naive_dealloc, naive_traverse, naive_clear in the class. */
#ifndef NAIVE_H
#define NAIVE_H

#include "../lifetime/lifetime.h"

#ifndef NAIVE_EVENT
#define NAIVE_EVENT(what) ((void)0)
#endif
#ifndef NAIVE_VISIT_MORE
#define NAIVE_VISIT_MORE(self, visit, arg) 0
#endif
#ifndef NAIVE_CLEAR_MORE
#define NAIVE_CLEAR_MORE(self) ((void)0)
#endif

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
naive_new(PyTypeObject *type)
{
    return lt_new(type);
}

/* self takes over one native reference of the caller's. Nothing is remembered. Always true. */
static inline bool
naive_adopt(PyObject *self, naive_native *native)
{
    (void)self;
    (void)native;
    return true;
}

/* native -> Python: a new wrapper, a new reference. NULL with an exception. */
static inline PyObject *
naive_wrap(naive_native *native)
{
    return naive_make(native);
}

/* One more native reference. Any thread. */
static inline void
naive_retain(naive_native *native)
{
    naive_inc(native);
}

/* One native reference less. Any thread. */
static inline void
naive_release(naive_native *native)
{
    if (naive_dec(native) == 0)
        naive_free(native);
}

static inline void
naive_drop(PyObject *self)
{
    naive_native *native = naive_of(self);

    if (native == NULL)
        return; /* its __new__ failed */
    naive_release(native);
    NAIVE_EVENT(wrappers_freed);
}

/* tp_dealloc: weak references, dict, native reference. */
static void
naive_dealloc(PyObject *self)
{
    lt_die_as_base(self, naive_dealloc, naive_drop);
}

static int
naive_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (NAIVE_VISIT_MORE(self, visit, arg))
        return 1;
    return lt_traverse_as_base(self, visit, arg);
}

static int
naive_clear(PyObject *self)
{
    lt_clear_as_base(self);
    NAIVE_CLEAR_MORE(self);
    return 0;
}

#endif
