/* The C view of native.Header: the record that Go and C share. */
#ifndef PP_HEADER_H
#define PP_HEADER_H

#include "../cpython/python.h" /* first: it includes Python.h */
#include "../../lifetime/queue.h"

/* One record a native object, in C memory. The fields up to attached_refs are native.Header's;
 * TestHeaderLayout compares the offsets. The rest is opaque to Go code.
 *
 * refs and flags are atomic. The GIL, or the slot's lock, guards slot, and callback and extra of
 * the slab;
 * slot.handed_over is atomic, and slot.next belongs to the queue, the free list or the list of
 * dead headers.
 *
 * The number of native references is refs + attached_refs. The count is biased: most references
 * are taken and released by attached threads, which with the GIL need no atomic instruction for
 * it. While the object has a wrapper they count in attached_refs. Three rules:
 *   - refs has the wrapper's reference and every one of Go code, so Go code decides by refs alone.
 *     It hands over a release from 2 to 1, which may not be the last beside the wrapper's.
 *   - An attached thread that gives a reference to Go code first calls pp_give_to_go.
 *   - attached_refs is 0 without a wrapper, whose reference keeps a goroutine from destroying the
 *     object; where another count replaces refs (PP_COUNTED_ELSEWHERE); and without the GIL.
 * References are alike: an attached thread may release in attached_refs what a goroutine has handed
 * over, as long as the sum is right and refs is not below what the first rule says. */
typedef struct pp_header {
    _Atomic int64_t refs;   /* see above; and PP_HAS_WRAPPER */
    uint64_t id;            /* unique in the process, never reused */
    _Atomic uint32_t flags; /* PP_HAS_BODY and so on; the high 16 bits are Go's */
    uint32_t attached_refs; /* see above; the GIL guards it */
    lt_slot slot;           /* the wrapper, see lifetime/slot.h */
} pp_header;

#define PP_HAS_BODY 1 /* native.HasBody: has had a message or an edge */
#define PP_SHOWN 2    /* Go or Python code may have kept a pointer or the handle: see pp_finish */
#define PP_HAS_CALLBACK 8 /* see callbacks.c */

#define PP_SLAB_HEADERS 4096        /* slots.SlabSize */
#define PP_SLAB_ALIGNMENT (1 << 19) /* a power of two, not less than the size of a slab */
#define PP_MAX_SLABS (1 << 16)      /* slots.MaxSlabs */
#define PP_LEAST_SLABS 8            /* fewer are not given back: trim.go */

/* Headers come in slabs, each aligned to PP_SLAB_ALIGNMENT, so that a header's address leads to
 * what there is beside it: arrays in the same order. The memory is the system's, zeroed, and none
 * is used for what is never touched. */
typedef struct {
    pp_header headers[PP_SLAB_HEADERS];
    _Atomic uint32_t generations[PP_SLAB_HEADERS]; /* slots.Generations: Go writes them */
    PyObject *callbacks[PP_SLAB_HEADERS];          /* valid with PP_HAS_CALLBACK */
    void *extras[PP_SLAB_HEADERS];                 /* see pp_extra */
    uint32_t number;                               /* not given back with the rest */
} pp_slab;

/* All slabs, by a handle's slot. They are never freed, but the memory of one without objects may be
 * given back, and then reads as zeros. */
extern _Atomic(pp_slab *) pp_slabs[PP_MAX_SLABS];

#define PP_HAS_WRAPPER (INT64_C(1) << 62)       /* native.HasWrapper: slot.wrapper is set */
#define PP_COUNTED_ELSEWHERE (INT64_C(1) << 61) /* native.CountedElsewhere: refs is not a count */

static inline bool
pp_flag(pp_header *h, uint32_t flag)
{
    return atomic_load_explicit(&h->flags, memory_order_relaxed) & flag;
}

static inline void
pp_show(pp_header *h)
{
    atomic_fetch_or_explicit(&h->flags, PP_SHOWN, memory_order_relaxed);
}

/* The number of references. Not of a header that is counted elsewhere. Exact if it is 1: only an
 * attached thread changes that. */
static inline int64_t
pp_refs(pp_header *h)
{
    return (atomic_load_explicit(&h->refs, memory_order_acquire) & ~PP_HAS_WRAPPER) +
           h->attached_refs;
}

/* The number after one more, or one less. */
static inline int64_t
pp_inc(pp_header *h)
{
#ifndef Py_GIL_DISABLED
    if (lt_wrapper(&h->slot)) {
        h->attached_refs++;
        return pp_refs(h);
    }
#endif
    return (atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed) + 1) & ~PP_HAS_WRAPPER;
}

static inline int64_t
pp_dec(pp_header *h)
{
#ifndef Py_GIL_DISABLED
    if (h->attached_refs > 0) {
        h->attached_refs--;
        return pp_refs(h);
    }
#endif
    return (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) - 1) & ~PP_HAS_WRAPPER;
}

/* One reference of the caller's is for Go code from now on. */
static inline void
pp_give_to_go(pp_header *h)
{
    if (h->attached_refs > 0) { /* else it is in refs already */
        atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
        h->attached_refs--;
    }
}

/* Set or clear slot.wrapper, and the bit in the count's word: a release on a goroutine
 * decides by that word alone. If the caller's reference is the only one, no other thread can look,
 * and a store is enough. Locked. */
static inline void
pp_set_wrapper(pp_header *h, PyObject *wrapper)
{
    int64_t refs = atomic_load_explicit(&h->refs, memory_order_relaxed);

    lt_set_wrapper(&h->slot, wrapper);
    if (wrapper) {
        if (refs == 1)
            atomic_store_explicit(&h->refs, PP_HAS_WRAPPER | 1, memory_order_release);
        else if (!(refs & PP_HAS_WRAPPER))
            atomic_fetch_or_explicit(&h->refs, PP_HAS_WRAPPER, memory_order_acq_rel);
    }
    else if (refs == (PP_HAS_WRAPPER | 1) && h->attached_refs == 0)
        atomic_store_explicit(&h->refs, 1, memory_order_release);
    else if (refs & PP_HAS_WRAPPER) {
        atomic_fetch_add_explicit(&h->refs, h->attached_refs, memory_order_relaxed);
        h->attached_refs = 0;
        atomic_fetch_and_explicit(&h->refs, ~PP_HAS_WRAPPER, memory_order_acq_rel);
    }
}

static inline pp_slab *
pp_slab_of(pp_header *h, uint32_t *index)
{
    pp_slab *slab = (pp_slab *)((uintptr_t)h & ~(uintptr_t)(PP_SLAB_ALIGNMENT - 1));

    *index = (uint32_t)(h - slab->headers);
    return slab;
}

/* A pointer of the strategy's own. NULL when the object is made; the strategy sets it to NULL
 * before the object dies. */
static inline void **
pp_extra(pp_header *h)
{
    uint32_t i;
    pp_slab *slab = pp_slab_of(h, &i);

    return &slab->extras[i];
}

/* The name of the Go object: slot and generation. The caller keeps the object alive. */
static inline uint64_t
pp_handle(pp_header *h)
{
    uint32_t i;
    pp_slab *slab = pp_slab_of(h, &i);
    uint64_t generation = atomic_load_explicit(&slab->generations[i], memory_order_relaxed);

    return generation << 32 | (slab->number * PP_SLAB_HEADERS + i);
}

/* The header that a handle names; NULL if it is stale: another object has its slot, or none. The
 * caller knows that the object, if there is one, stays alive: it compares the generation, it does
 * not take a reference. */
static inline pp_header *
pp_find(uint64_t handle)
{
    uint32_t slot = (uint32_t)handle, i = slot % PP_SLAB_HEADERS;
    pp_slab *slab;

    if (slot / PP_SLAB_HEADERS >= PP_MAX_SLABS)
        return NULL;
    slab = atomic_load_explicit(&pp_slabs[slot / PP_SLAB_HEADERS], memory_order_acquire);
    if (slab == NULL ||
        atomic_load_explicit(&slab->generations[i], memory_order_acquire) != handle >> 32)
        return NULL;
    return pp_refs(&slab->headers[i]) > 0 ? &slab->headers[i] : NULL; /* 0: free, or spare */
}

static inline pp_header *
pp_header_of_slot(lt_slot *slot)
{
    return (pp_header *)((char *)slot - offsetof(pp_header, slot));
}

#endif
