/* lifetime/slot.h: what a native object keeps for its wrapper.
 *
 * Put one lt_slot into every native object that has wrappers, zeroed at birth. This
 * header does not include Python.h, so a library can use it without knowing Python. */
#ifndef LT_SLOT_H
#define LT_SLOT_H

#define LT_VERSION "1.1.0" /* of the kit and the schemes: see CHANGELOG.md */

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

typedef LT_ATOMIC(uint32_t) lt_word; /* one bit of it, LT_LOCKED, is a lock: see lifetime.h */

/* 24 bytes. Attached threads write wrapper and bits: with the GIL, or with the slot's lock
 * (lifetime.h). next belongs to the queue while handed_over is not zero. */
typedef struct lt_slot {
    LT_ATOMIC(struct _object *) wrapper; /* borrowed or owned, as the scheme's state says */
    struct lt_slot *next;                /* link in an lt_queue */
    LT_ATOMIC(uint32_t) handed_over;     /* native references that wait in an lt_queue */
    lt_word bits;                        /* LT_LOCKED, the state, the number of holders */
} lt_slot;

/* The parts of bits. A lock of its own would need another word. */
#define LT_LOCKED 1u
#define LT_STATE_SHIFT 1 /* the scheme's state, 3 bits; 0 at birth */
#define LT_STATE_MASK 0xEu
#define LT_HOLDER 16u /* one holder: a native reference whose owner gc can traverse */

#endif
