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
 * A MyClassRef represents Go code that has stored the pointer: it roots the pointer. */
#include "../internal/wrapper/wrapper.h"

#include "_cgo_export.h"

PP_ACCESSORS(preserve)
#define PRESERVE_SET_WRAPPER pp_set_wrapper
#define PRESERVE_EVENT(what) PP_EVENT(&preserve_state, what)
#define PRESERVE_VISIT_MORE pp_visit_own_callback
#define PRESERVE_CLEAR_MORE pp_clear_own_callback
#include "../preserve/preserve.h"

/* The Go pointer is rooted while there is a MyClassRef. Go reads their number with its lock
 * held, so the later of two concurrent calls decides. */
static void
count_holder(pp_header *h, int change, uint32_t tell)
{
    uint32_t n;

    lt_lock(&h->slot);
    n = lt_add_holder(&h->slot, change);
    lt_unlock(&h->slot);
    if (n == tell) {
        pp_give_to_go(h); /* the MyClassRef's: Go code needs one beside the wrapper's */
        ppGcownedRoot(h->handle);
    }
}

static void
gcowned_holder_made(pp_header *h)
{
    count_holder(h, 1, 1);
}

static void
gcowned_holder_gone(pp_header *h)
{
    count_holder(h, -1, 0);
}

int
pp_gcowned_holders(pp_header *h)
{
    return lt_holders(&h->slot) > 0;
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
