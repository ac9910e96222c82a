/* instancemap.h: a map from native object to its live wrapper.
 *
 *     instances = {}                             # borrowed: an entry keeps nothing alive
 *
 *     def wrap(native):
 *         return instances.get(native) or make(native)
 *
 *     class MyClass:
 *         def __adopt__(self, native):
 *             instances[native] = self
 *         def __dealloc__(self):
 *             run __del__
 *             del instances[self.native]         # before weak references are cleared
 *             die(self)
 *             self.native.release()
 *
 * For native classes that cannot be changed: it needs no slot in the native object.
 *
 * States and transitions, with the GIL:
 *
 *     in the map       the wrapper is alive; or its __del__ is running
 *     not in the map   there is no wrapper, or it is past __del__
 *
 *     not in the map -> in the map   instancemap_adopt
 *     in the map -> not in the map   instancemap_dying
 *
 * Each wrapper owns one native reference from instancemap_adopt to its death.
 *
 * Define before including this file, for a native type of your own:
 *
 *     typedef struct node instancemap_native;
 *     static inline node *instancemap_of(PyObject *self);    NULL until you set it before instancemap_adopt
 *     static inline void instancemap_retain(node *);         one native reference more
 *     static inline void instancemap_release(node *);        one less; destroys at 0
 *     static PyObject *instancemap_make(node *);             a wrapper that owns a reference
 * Optional macros: INSTANCEMAP_EVENT(wrappers_freed); INSTANCEMAP_VISIT_MORE(self, visit, arg)
 * and INSTANCEMAP_CLEAR_MORE(self) for Python references that the node itself holds.
 *
 * List instancemap_dealloc, instancemap_traverse, instancemap_clear in the class and in every
 * native class derived from it, lt_get_class and lt_set_class as __class__ in tp_getset, and
 * make instances in tp_new by instancemap_new and instancemap_adopt. */
#ifndef INSTANCEMAP_H
#define INSTANCEMAP_H

#include "../lifetime/lifetime.h"

#ifndef INSTANCEMAP_EVENT
#define INSTANCEMAP_EVENT(what) ((void)0)
#endif
#ifndef INSTANCEMAP_VISIT_MORE
#define INSTANCEMAP_VISIT_MORE(self, visit, arg) 0
#endif
#ifndef INSTANCEMAP_CLEAR_MORE
#define INSTANCEMAP_CLEAR_MORE(self) ((void)0)
#endif

/* ---- the map: open addressing, linear probing, at most half full. GIL ------------ */

typedef struct {
    instancemap_native *key;
    PyObject *wrapper; /* borrowed */
} instancemap_entry;

static struct {
    instancemap_entry *entries;
    size_t mask, used; /* mask: number of entries, a power of two, less one */
} instancemap_table;

static inline size_t
instancemap_home(instancemap_native *key)
{
    /* Fibonacci hashing: native objects are aligned, so the low bits say little. */
    return (size_t)((uint64_t)((uintptr_t)key >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) &
           instancemap_table.mask;
}

static inline instancemap_entry *
instancemap_find(instancemap_native *key)
{
    instancemap_entry *entries = instancemap_table.entries;

    if (entries == NULL)
        return NULL;
    for (size_t i = instancemap_home(key); entries[i].key; i = (i + 1) & instancemap_table.mask)
        if (entries[i].key == key)
            return &entries[i];
    return NULL;
}

/* Put key into a table that has room and does not have it. */
static inline void
instancemap_put(instancemap_native *key, PyObject *wrapper)
{
    size_t i = instancemap_home(key);

    while (instancemap_table.entries[i].key)
        i = (i + 1) & instancemap_table.mask;
    instancemap_table.entries[i].key = key;
    instancemap_table.entries[i].wrapper = wrapper;
}

/* Make room for one more. 0, or -1 without memory. */
static inline int
instancemap_reserve(void)
{
    instancemap_entry *old = instancemap_table.entries, *bigger;
    size_t n = old ? instancemap_table.mask + 1 : 0, size = n ? 2 * n : 1024;

    if (2 * (instancemap_table.used + 1) <= n)
        return 0;
    bigger = (instancemap_entry *)PyMem_RawCalloc(size, sizeof *bigger);
    if (bigger == NULL)
        return -1;
    instancemap_table.entries = bigger;
    instancemap_table.mask = size - 1;
    for (size_t i = 0; i < n; i++)
        if (old[i].key)
            instancemap_put(old[i].key, old[i].wrapper);
    PyMem_RawFree(old);
    return 0;
}

/* Remove an entry and move those back that probing would not find behind the gap. Rejected:
 * tombstones, which make look-ups longer for ever. */
static inline void
instancemap_remove(instancemap_entry *entry)
{
    instancemap_entry *entries = instancemap_table.entries;
    size_t mask = instancemap_table.mask, gap = (size_t)(entry - entries), i = gap;

    while (entries[i = (i + 1) & mask].key)
        if (((i - instancemap_home(entries[i].key)) & mask) >= ((i - gap) & mask)) {
            entries[gap] = entries[i];
            gap = i;
        }
    entries[gap].key = NULL;
    entries[gap].wrapper = NULL;
    instancemap_table.used--;
}

/* ---- wrap: with the GIL ---------------------------------------------------------- */

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
instancemap_new(PyTypeObject *type)
{
    lt_own(type);
    return lt_new(type);
}

/* self, a new wrapper, takes over one native reference of the caller's. Without memory for
 * an entry the next wrap makes another wrapper, as in naive. */
static inline void
instancemap_adopt(PyObject *self, instancemap_native *native)
{
    if (instancemap_reserve() == 0) {
        instancemap_put(native, self);
        instancemap_table.used++;
    }
}

/* native -> Python: a new reference to the live wrapper, or to a new one. The caller holds a
 * native reference throughout. NULL with an exception. */
static inline PyObject *
instancemap_wrap(instancemap_native *native)
{
    instancemap_entry *entry = instancemap_find(native);

    if (entry && lt_in_trashcan(entry->wrapper)) {
        if (lt_empty_trashcan() < 0)
            return NULL;
        entry = instancemap_find(native); /* the table may have moved */
        if (entry && lt_in_trashcan(entry->wrapper))
            return lt_still_in_trashcan();
    }
    if (entry == NULL)
        return instancemap_make(native);
    Py_INCREF(entry->wrapper);
    return entry->wrapper;
}

/* ---- slots, of the class and of every Python subclass ------------------------------ */

static inline void
instancemap_dying(PyObject *self)
{
    instancemap_native *native = instancemap_of(self);
    instancemap_entry *entry = native ? instancemap_find(native) : NULL;

    if (entry && entry->wrapper == self)
        instancemap_remove(entry);
}

static inline void
instancemap_drop(PyObject *self)
{
    instancemap_native *native = instancemap_of(self);

    if (native == NULL)
        return; /* its __new__ failed */
    instancemap_release(native);
    INSTANCEMAP_EVENT(wrappers_freed);
}

static void
instancemap_dealloc(PyObject *self)
{
    lt_die(self, instancemap_dealloc, lt_keep_never, instancemap_dying, instancemap_drop);
}

/* tp_traverse and tp_clear. */
static int
instancemap_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (INSTANCEMAP_VISIT_MORE(self, visit, arg))
        return 1;
    return lt_traverse(self, visit, arg);
}

static int
instancemap_clear(PyObject *self)
{
    lt_clear(self);
    INSTANCEMAP_CLEAR_MORE(self);
    return 0;
}

#endif
