/* intrusive.h over the suite's native objects. Go code changes the word, too: it adds 1 for a
 * reference in every state, and leaves each release of a COUNTED object to
 * intrusive_release_unattached (native.CountedElsewhere). */
#include "../internal/wrapper/wrapper.h"

PP_ACCESSORS(intrusive)
#define INTRUSIVE_EVENT(what) PP_EVENT(&intrusive_state, what)
#define INTRUSIVE_VISIT_MORE pp_visit_callback
#define INTRUSIVE_CLEAR_MORE pp_clear_callback

static inline LT_ATOMIC(int64_t) * intrusive_word(pp_header *h)
{
    return &h->refs;
}

#include "intrusive.h"

_Static_assert(INTRUSIVE_COUNTED == PP_COUNTED_ELSEWHERE, "Go and C disagree");

static void
release_queued(lt_slot *slot)
{
    intrusive_release_queued(pp_header_of_slot(slot));
}

static int64_t
count(pp_header *h)
{
    return intrusive_count(h);
}

/* The object is COUNTED, so this never has to destroy it. */
static void
release_unattached(pp_header *h)
{
    intrusive_release_unattached(h, &intrusive_state.queue);
}

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, intrusive_dealloc},
    {Py_tp_traverse, intrusive_traverse},
    {Py_tp_clear, intrusive_clear},
    {0, NULL},
};

static const pp_counting counting = {count, release_unattached};

const pp_strategy pp_intrusive = {
    .name = "intrusive",
    .state = &intrusive_state,
    .wrap = intrusive_wrap,
    .live = intrusive_live,
    .new_instance = intrusive_new,
    .adopt = intrusive_adopt,
    .retain = intrusive_retain,
    .release = intrusive_release,
    .release_slot = release_queued,
    .slots = slots,
    .visit = intrusive_visit,
    .counting = &counting,
};
