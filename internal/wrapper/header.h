/* The C view of native.Header: the record that Go and C share. */
#ifndef PP_HEADER_H
#define PP_HEADER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../cpython/python.h"

/* One record a native object, in C memory, one cache line. Field by field the
 * same as native.Header; TestHeaderLayout compares the offsets.
 *
 * Who may write what: refs by anybody, atomically; wrapper, state, holders and
 * extra with the GIL; next by whoever owns the queued reference; flags atomically,
 * once the object is somebody's. */
typedef struct pp_header {
    _Atomic int64_t refs;   /* native references, the wrapper's own included; and PP_WATCHED */
    uint64_t id;            /* unique in the process, never reused */
    PyObject *wrapper;      /* what stands for it, see pp_set_wrapper; borrowed or owned is the
                               strategy's business. While set, the count never goes from 2 to 1
                               without the GIL */
    uint32_t state;         /* the strategy's own */
    uint32_t holders;       /* how many of refs belong to holders that gc can see */
    uint64_t handle;        /* names the Go object: slot and generation */
    struct pp_header *next; /* link in the queue of references, in the stock, or among the dead */
    void *extra;            /* the strategy's own */
    _Atomic uint32_t flags; /* PP_HAS_BODY and so on */
    uint32_t unused;        /* fills the cache line */
} pp_header;

#define PP_HAS_BODY 1 /* has had a message or an edge: native.HasBody */
#define PP_IN_STOCK 2 /* nobody has asked for it yet */
#define PP_MIRRORED 4 /* side->edge_gone wants to hear of removed edges: native.Mirrored */
#define PP_HAS_CALLBACK 8 /* see callbacks.c */

#define PP_SLAB_BYTES (1 << 18) /* headers come in slabs of so much, aligned to it: headers.go */
#define PP_SLAB_HEADERS (PP_SLAB_BYTES / sizeof(pp_header)) /* slots.SlabSize */

#define PP_WATCHED (INT64_C(1) << 62) /* wrapper is set: native.Watched */

/* A header that Python counts: the references are Python references to the
 * wrapper, and the word says how much goroutines have changed their number by. */
#define PP_COUNTED (INT64_C(1) << 61)
#define PP_QUEUED (INT64_C(1) << 60)      /* a reference waits in the queue: native.Queued */
#define PP_CORRECTION (INT64_C(1) << 40)  /* nothing to correct: native.Correction */

static inline bool
pp_counted(pp_header *h)
{
    return atomic_load_explicit(&h->refs, memory_order_relaxed) & PP_COUNTED;
}

static inline bool
pp_flag(pp_header *h, uint32_t flag)
{
    return atomic_load_explicit(&h->flags, memory_order_relaxed) & flag;
}

/* Not of a header that is counted by Python. */
static inline int64_t
pp_refs(pp_header *h)
{
    return atomic_load_explicit(&h->refs, memory_order_acquire) & ~PP_WATCHED;
}

/* Set or clear the wrapper field, and say so in the word of the count: a release
 * on a goroutine decides by that word alone. */
static inline void
pp_set_wrapper(pp_header *h, PyObject *wrapper)
{
    bool was = h->wrapper != NULL, is = wrapper != NULL;

    h->wrapper = wrapper;
    if (was == is)
        return;
    if (pp_refs(h) == 1) /* it is ours, and nobody else can look */
        atomic_store_explicit(&h->refs, is ? PP_WATCHED | 1 : 1, memory_order_release);
    else
        atomic_fetch_xor_explicit(&h->refs, PP_WATCHED, memory_order_acq_rel);
}

#endif
