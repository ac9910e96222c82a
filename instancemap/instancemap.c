/* A map from native object to its live wrapper. In Python the idea would be:
 *
 *     instances = {}                              # borrowed: an entry keeps nothing alive
 *
 *     def wrap(native):
 *         return instances.get(native) or MyClass(native)
 *
 *     class MyClass:
 *         def __adopt__(self, native):
 *             instances[native] = self
 *         def __dealloc__(self):
 *             del instances[self.native]
 *             self.native.release()
 *
 * The libraries that work like this wrap classes they cannot change, so there is
 * no field to keep the wrapper in, and we do not use one either. */
#include "../internal/wrapper/wrapper.h"

/* Open addressing with linear probing, at most half full. GIL. */
typedef struct {
    pp_header *key;
    PyObject *wrapper; /* borrowed */
} entry;

static entry *entries;
static size_t mask, used; /* mask: number of entries, a power of two, less one */

static inline size_t
home(pp_header *key)
{
    /* Fibonacci hashing: headers are 64 bytes apart. */
    return (size_t)(((uintptr_t)key >> 6) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & mask;
}

static entry *
find(pp_header *key)
{
    size_t i;

    if (entries == NULL)
        return NULL;
    for (i = home(key); entries[i].key; i = (i + 1) & mask)
        if (entries[i].key == key)
            return &entries[i];
    return NULL;
}

/* Make room for one more. 0, or -1 when there is no memory. */
static int
reserve(void)
{
    entry *old = entries, *bigger;
    size_t n = entries ? mask + 1 : 0, size = n ? 2 * n : 1024;

    if (2 * (used + 1) <= n)
        return 0;
    bigger = PyMem_RawCalloc(size, sizeof *bigger);
    if (bigger == NULL)
        return -1;
    entries = bigger;
    mask = size - 1;
    for (size_t i = 0; i < n; i++)
        if (old[i].key) {
            size_t j = home(old[i].key);
            while (entries[j].key)
                j = (j + 1) & mask;
            entries[j] = old[i];
        }
    PyMem_RawFree(old);
    return 0;
}

/* Close the gap that an entry leaves: move back whatever probing would not find
 * behind it any more. No tombstones, so that look-ups stay short for ever. */
static void
forget(entry *e)
{
    size_t gap = e - entries, i = gap;

    while (entries[i = (i + 1) & mask].key)
        if (((i - home(entries[i].key)) & mask) >= ((i - gap) & mask)) {
            entries[gap] = entries[i];
            gap = i;
        }
    entries[gap] = (entry){NULL, NULL};
    used--;
}

/* native -> Python: the live wrapper, or a new one. An entry whose wrapper has no
 * references is being torn down: CPython's slots for subclasses run code (a slot
 * value's __del__) before they call our tp_dealloc. */
static PyObject *
instancemap_wrap(pp_side *side, pp_header *h)
{
    entry *e = find(h);

    if (e && Py_REFCNT(e->wrapper) > 0) {
        Py_INCREF(e->wrapper);
        return e->wrapper;
    }
    return pp_new_wrapper(side, h);
}

static void
instancemap_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    entry *e = find(h);

    PP_HEADER(self) = h;
    if (e) {
        e->wrapper = self;
        return;
    }
    if (reserve() < 0)
        return; /* not found later: a wrapper of its own, as in naive */
    for (size_t i = home(h);; i = (i + 1) & mask)
        if (entries[i].key == NULL) {
            entries[i] = (entry){h, self};
            used++;
            return;
        }
}

/* Out of the map before weak reference callbacks run: they may wrap again, and
 * must not get the dying object. */
static void
instancemap_dying(pp_side *side, PyObject *self)
{
    entry *e = PP_HEADER(self) ? find(PP_HEADER(self)) : NULL;
    if (e && e->wrapper == self)
        forget(e);
}

pp_side pp_instancemap = {
    .name = "instancemap",
    .wrap = instancemap_wrap,
    .adopt = instancemap_adopt,
    .dying = instancemap_dying,
    .drop = pp_drop_reference,
};
