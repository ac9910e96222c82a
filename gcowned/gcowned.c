/* Go's garbage collector owns zombies. In Python the idea would be:
 *
 *     class MyClass:                              # on top of preserve's
 *         def __dealloc__(self):                  # no more Python references
 *             if gone(self.native.pointer):       # Go has found it unreachable, or never had it
 *                 die(self)
 *             else:
 *                 self.native.owns_wrapper = True; resurrect(self)
 *
 *     def pointer_found_unreachable(native):      # Go's collector, at some time
 *         if native.owns_wrapper:
 *             del native.wrapper                  # __dealloc__; or a weakref got there first
 *
 * Go code does not count: it has ordinary pointers, native.Managed. There is one for
 * all of Go; it owns one counted reference, which Go's collector releases. So
 * preserve's code is used unchanged; only Go's collector decides when native code
 * releases.
 *
 * A MyClassRef represents Go code that has stored the pointer: it is a root. While an object has
 * roots its pointer cannot become unreachable, so C code counts them, and Go has nothing to do.
 * The pointer's reference is taken by the first root. When the last one has gone it waits in a
 * list for the end of Go's next collection. */
#include "../internal/wrapper/wrapper.h"

#include "_cgo_export.h"
#include "gcowned.h"

PP_ACCESSORS(preserve)
#define PRESERVE_SET_WRAPPER pp_set_wrapper
#define PRESERVE_EVENT(what) PP_EVENT(&preserve_state, what)
#define PRESERVE_VISIT_MORE pp_visit_own_callback
#define PRESERVE_CLEAR_MORE pp_clear_own_callback
#include "../preserve/preserve.h"

/* The list: linked by pp_gcowned_link, newest first. Attached threads push; a goroutine takes all
 * of it. */
static _Atomic uintptr_t unrooted;

/* The goroutine will release the pointer's reference. true: the list was empty. */
static bool
push(pp_header *h)
{
    uintptr_t first = atomic_load_explicit(&unrooted, memory_order_relaxed);

    pp_give_to_go(h);
    do
        atomic_store_explicit(pp_gcowned_link(h), first ? first : PP_GCOWNED_END,
                              memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&unrooted, &first, (uintptr_t)h,
                                                  memory_order_release, memory_order_relaxed));
    return first == 0;
}

uintptr_t
pp_gcowned_take(void)
{
    return atomic_exchange_explicit(&unrooted, 0, memory_order_acquire);
}

/* One root more. A link that another thread clears at the same time stays cleared: then the
 * pointer's reference is taken when the last root goes. */
static void
gcowned_holder_made(pp_header *h)
{
    lt_lock(&h->slot);
    lt_add_holder(&h->slot, 1);
    if (atomic_load_explicit(pp_gcowned_link(h), memory_order_acquire) == 0) {
        pp_inc(h);
        atomic_store_explicit(pp_gcowned_link(h), PP_GCOWNED_ROOTED, memory_order_relaxed);
    }
    lt_unlock(&h->slot);
}

/* One root less; the caller still has its native reference. Go is entered once for each
 * collection. */
static void
gcowned_holder_gone(pp_header *h)
{
    bool first = false;

    lt_lock(&h->slot);
    if (lt_add_holder(&h->slot, -1) == 0)
        switch (atomic_load_explicit(pp_gcowned_link(h), memory_order_acquire)) {
        case 0:
            pp_inc(h);
            /* fall through */
        case PP_GCOWNED_ROOTED:
            first = push(h);
        }
    lt_unlock(&h->slot);
    if (first)
        ppGcownedAwaitCollection();
}

static void
gcowned_quiesce(void)
{
    ppGcownedCollect();
}

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, preserve_dealloc},
    {Py_tp_traverse, preserve_traverse},
    {Py_tp_clear, preserve_clear},
    {Py_tp_getset, pp_class_getset},
    {0, NULL},
};

static const pp_holders holders = {gcowned_holder_made, gcowned_holder_gone};

const pp_strategy pp_gcowned = {
    .name = "gcowned",
    .state = &preserve_state,
    .wrap = preserve_wrap,
    .live = preserve_live,
    .new_instance = preserve_new,
    .adopt = preserve_adopt,
    .retain = preserve_retain,
    .release = preserve_release,
    .release_slot = preserve_release_slot,
    .slots = slots,
    .visit = preserve_visit,
    .holders = &holders,
    .quiesce = gcowned_quiesce,
};
