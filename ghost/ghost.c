/* ghost.h over the suite's native objects. */
#include "../internal/wrapper/wrapper.h"

PP_ACCESSORS(ghost)
#define GHOST_SET_WRAPPER pp_set_wrapper
#define GHOST_EVENT(what) PP_EVENT(&ghost_state, what)
#define GHOST_VISIT_MORE pp_visit_own_callback
#define GHOST_CLEAR_MORE pp_clear_own_callback
#include "ghost.h"

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, ghost_dealloc},
    {Py_tp_traverse, ghost_traverse},
    {Py_tp_clear, ghost_clear},
    {Py_tp_getset, pp_class_getset},
    {0, NULL},
};

static const pp_holders holders = {ghost_holder_made, ghost_holder_gone};

const pp_strategy pp_ghost = {
    .name = "ghost",
    .state = &ghost_state,
    .wrap = ghost_wrap,
    .live = ghost_live,
    .new_instance = ghost_new,
    .adopt = ghost_adopt,
    .retain = ghost_retain,
    .release = ghost_release,
    .release_slot = ghost_release_slot,
    .slots = slots,
    .visit = ghost_visit,
    .holders = &holders,
};
