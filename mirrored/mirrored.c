/* mirrored.h over the suite's native objects. */
#include "../internal/wrapper/wrapper.h"

PP_ACCESSORS(toggleref)
#define TOGGLEREF_SET_WRAPPER pp_set_wrapper
#define TOGGLEREF_EVENT(what) PP_EVENT(&toggleref_state, what)
#define TOGGLEREF_VISIT_MORE pp_visit_callback
#define TOGGLEREF_CLEAR_MORE pp_clear_callback
#include "mirrored.h"

extern const pp_strategy pp_mirrored;

static inline mirrored_mirror **
mirrored_mirror_of(pp_header *h)
{
    return (mirrored_mirror **)pp_extra(h);
}

static void
mirrored_remove_edges(pp_header *h)
{
    pp_remove_edges(&pp_mirrored, h);
}

/* pp_edges.gone */
static void
edge_gone(void *from, void *to)
{
    mirrored_edge_gone(from, to);
    toggleref_release(to);
    toggleref_release(from);
}

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, mirrored_dealloc},
    {Py_tp_traverse, mirrored_traverse},
    {Py_tp_clear, mirrored_clear},
    {0, NULL},
};

static const pp_holders holders = {toggleref_holder_made, toggleref_holder_gone};
static const pp_edges edges = {mirrored_edge_made, edge_gone};

const pp_strategy pp_mirrored = {
    .name = "mirrored",
    .state = &toggleref_state,
    .wrap = toggleref_wrap,
    .live = toggleref_live,
    .new_instance = toggleref_new,
    .adopt = toggleref_adopt,
    .retain = toggleref_retain,
    .release = toggleref_release,
    .release_slot = toggleref_release_slot,
    .slots = slots,
    .queue_all = true,
    .visit = mirrored_visit,
    .holders = &holders,
    .edges = &edges,
};
