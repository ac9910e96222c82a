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
 * States and transitions, by an attached thread with the map's lock:
 *
 *     in the map       the wrapper is alive, or its __del__ is running; or its count is zero, and
 *                      it is about to run __del__ or to leave
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
 *     static inline void instancemap_retain(node *);         one more native reference, for
 *                                                            your instancemap_make
 *     static inline void instancemap_release(node *);        one less; destroys at 0
 *     static PyObject *instancemap_make(node *);             retain, make a wrapper and adopt;
 *                                                            if that is false, undo both and
 *                                                            return instancemap_wrap(node)
 * Optional macros: INSTANCEMAP_EVENT(wrappers_freed); INSTANCEMAP_VISIT_MORE(self, visit, arg)
 * and INSTANCEMAP_CLEAR_MORE(self) for Python references that the node itself holds. They must do
 * nothing unless the wrapper's is the only native reference: gc must not clear what native code
 * still holds. There is one map for each translation unit, so one file includes this header.
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

/* ---- the map: open addressing, linear probing, at most half full ------------------ */

typedef struct {
    instancemap_native *key;
    PyObject *wrapper; /* borrowed */
} instancemap_entry;

/* Without the GIL the map is in parts, so that threads seldom wait for each other. See
 * lt_lock for the rules of its lock. */
#ifdef Py_GIL_DISABLED
#define INSTANCEMAP_PARTS 64
#else
#define INSTANCEMAP_PARTS 1
#endif

typedef struct {
    lt_word lock;
    instancemap_entry *entries;
    size_t mask, used; /* mask: number of entries, a power of two, less one */
    char apart[96];    /* the next part is in other cache lines */
} instancemap_part;

static instancemap_part instancemap_table[INSTANCEMAP_PARTS];

/* Fibonacci hashing: native objects are aligned, so the low bits say little. */
static inline uint64_t
instancemap_hash(instancemap_native *key)
{
    return (uint64_t)((uintptr_t)key >> 4) * UINT64_C(0x9E3779B97F4A7C15);
}

static inline instancemap_part *
instancemap_part_of(instancemap_native *key)
{
    return &instancemap_table[instancemap_hash(key) >> 58 & (INSTANCEMAP_PARTS - 1)];
}

static inline size_t
instancemap_home(instancemap_part *part, instancemap_native *key)
{
    return (size_t)(instancemap_hash(key) >> 20) & part->mask;
}

/* The entry of key, or NULL. Locked. */
static inline instancemap_entry *
instancemap_find(instancemap_part *part, instancemap_native *key)
{
    instancemap_entry *entries = part->entries;

    if (entries == NULL)
        return NULL;
    for (size_t i = instancemap_home(part, key); entries[i].key; i = (i + 1) & part->mask)
        if (entries[i].key == key)
            return &entries[i];
    return NULL;
}

/* Put key into a table that has room and does not have it. Locked. */
static inline void
instancemap_put(instancemap_part *part, instancemap_native *key, PyObject *wrapper)
{
    size_t i = instancemap_home(part, key);

    while (part->entries[i].key)
        i = (i + 1) & part->mask;
    part->entries[i].key = key;
    part->entries[i].wrapper = wrapper;
}

/* Make room for one more. 0, or -1 without memory. Locked. */
static inline int
instancemap_reserve(instancemap_part *part)
{
    instancemap_entry *old = part->entries, *bigger;
    size_t n = old ? part->mask + 1 : 0, size = n ? 2 * n : 1024 / INSTANCEMAP_PARTS;

    if (2 * (part->used + 1) <= n)
        return 0;
    bigger = (instancemap_entry *)PyMem_RawCalloc(size, sizeof *bigger);
    if (bigger == NULL)
        return -1;
    part->entries = bigger;
    part->mask = size - 1;
    for (size_t i = 0; i < n; i++)
        if (old[i].key)
            instancemap_put(part, old[i].key, old[i].wrapper);
    PyMem_RawFree(old);
    return 0;
}

/* Remove an entry, and shift back the entries that probing could not reach across the gap. Rejected:
 * tombstones, which make look-ups longer for ever. Locked. */
static inline void
instancemap_remove(instancemap_part *part, instancemap_entry *entry)
{
    instancemap_entry *entries = part->entries;
    size_t mask = part->mask, gap = (size_t)(entry - entries), i = gap;

    while (entries[i = (i + 1) & mask].key)
        if (((i - instancemap_home(part, entries[i].key)) & mask) >= ((i - gap) & mask)) {
            entries[gap] = entries[i];
            gap = i;
        }
    entries[gap].key = NULL;
    entries[gap].wrapper = NULL;
    part->used--;
}

/* ---- wrap: attached ---------------------------------------------------------------- */

/* A new instance of type without a native object; for tp_new. NULL with an exception. */
static inline PyObject *
instancemap_new(PyTypeObject *type)
{
    lt_own(type);
    return lt_new(type);
}

/* self, a new wrapper, takes over one native reference of the caller's. false: another thread was
 * first; the reference is the caller's again, self must not refer to the node any more, and
 * instancemap_wrap returns the wrapper. With the GIL, and for a new node, always true. Without
 * memory the wrapper has no entry, and the next wrap makes a second wrapper. */
static inline bool
instancemap_adopt(PyObject *self, instancemap_native *native)
{
    instancemap_part *part = instancemap_part_of(native);
    bool first;

    lt_unbias(self);
    lt_lock_word(&part->lock);
    first = instancemap_find(part, native) == NULL;
    if (first && instancemap_reserve(part) == 0) {
        instancemap_put(part, native, self);
        part->used++;
    }
    lt_unlock_word(&part->lock);
    return first;
}

/* instancemap_live. *dying: there is a wrapper, and its count is zero. */
static inline PyObject *
instancemap_live_or(instancemap_native *native, bool *dying)
{
    instancemap_part *part = instancemap_part_of(native);
    instancemap_entry *entry;
    PyObject *self = NULL;

    lt_lock_word(&part->lock);
    entry = instancemap_find(part, native);
    if (entry && lt_try_incref(entry->wrapper)) /* locked: it cannot be destroyed meanwhile */
        self = entry->wrapper;
    lt_unlock_word(&part->lock);
    *dying = entry && !self;
    return self;
}

static inline PyObject *
instancemap_live(instancemap_native *native)
{
    bool dying;

    return instancemap_live_or(native, &dying);
}

/* native -> Python: a new reference to the live wrapper, or to a new one. The caller holds a
 * native reference throughout. NULL with an exception. */
static inline PyObject *
instancemap_wrap(instancemap_native *native)
{
    PyObject *self;
    bool dying;

    for (int tries = 0; (self = instancemap_live_or(native, &dying)) == NULL; tries++) {
        if (!dying)
            return instancemap_make(native);
        if (lt_retry(tries) < 0)
            return NULL;
    }
    return self;
}

/* ---- slots, of the class and of every Python subclass ------------------------------ */

static inline void
instancemap_dying(PyObject *self)
{
    instancemap_native *native = instancemap_of(self);
    instancemap_part *part;
    instancemap_entry *entry;

    if (native == NULL)
        return; /* its __new__ failed */
    part = instancemap_part_of(native);
    lt_lock_word(&part->lock);
    entry = instancemap_find(part, native);
    if (entry && entry->wrapper == self)
        instancemap_remove(part, entry);
    lt_unlock_word(&part->lock);
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
