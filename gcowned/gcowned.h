/* The list of objects without a root: what C and Go share of it. */
#ifndef GCOWNED_H
#define GCOWNED_H

#include "../internal/wrapper/header.h"

/* An object's link. If it is not 0, the pointer owns a native reference. Attached threads change
 * it from 0 and from ROOTED, with the slot's lock; the goroutine that has taken the list from a link
 * to 0, before it releases the pointer's reference. */
enum { PP_GCOWNED_ROOTED = 1, PP_GCOWNED_END };

static inline _Atomic uintptr_t *
pp_gcowned_link(pp_header *h)
{
    return (_Atomic uintptr_t *)(void *)pp_extra(h);
}

/* The whole list, which is the caller's: the address of its first header, 0 if it is empty. Any
 * thread. */
uintptr_t pp_gcowned_take(void);

/* Takes h, the first of a list, off it: its handle, and the rest in *list. Any thread. */
static inline uint64_t
pp_gcowned_next(uintptr_t *list)
{
    pp_header *h = (pp_header *)*list;
    uintptr_t next = atomic_exchange_explicit(pp_gcowned_link(h), 0, memory_order_acq_rel);

    *list = next == PP_GCOWNED_END ? 0 : next;
    return pp_handle(h);
}

#endif
