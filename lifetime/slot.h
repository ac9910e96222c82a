/* lifetime/slot.h: what a native object keeps for its wrapper.
 *
 * Put one lt_slot into every native object that has wrappers, zeroed at birth. This
 * header does not include Python.h, so a library can use it without knowing Python. */
#ifndef LT_SLOT_H
#define LT_SLOT_H

#include <stdint.h>

#ifdef __cplusplus
#include <atomic>
#define LT_ATOMIC(type) std::atomic<type>
#define LT_STD(name) std::name
#else
#include <stdatomic.h>
#include <stdbool.h>
#define LT_ATOMIC(type) _Atomic(type)
#define LT_STD(name) name
#endif

struct _object; /* PyObject */

/* 24 bytes. The GIL guards every field but two: handed_over is atomic, and next belongs
 * to the queue while handed_over is not zero. */
typedef struct lt_slot {
    struct _object *wrapper;         /* borrowed or owned, as the scheme's state says */
    struct lt_slot *next;            /* link in an lt_queue */
    LT_ATOMIC(uint32_t) handed_over; /* native references that wait in an lt_queue */
    uint32_t state : 4;              /* the scheme's state; 0 at birth */
    uint32_t holders : 28;           /* native references whose owners gc can traverse */
} lt_slot;

#endif
