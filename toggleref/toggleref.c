/* toggleref.h over the suite's native objects. */
#include "../internal/wrapper/wrapper.h"

PP_ACCESSORS(toggleref)
#define TOGGLEREF_SET_WRAPPER pp_set_wrapper
#define TOGGLEREF_EVENT(what) PP_EVENT(&toggleref_state, what)
#define TOGGLEREF_VISIT_MORE pp_visit_callback
#define TOGGLEREF_CLEAR_MORE pp_clear_callback
#include "toggleref.h"

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, toggleref_dealloc},
    {Py_tp_traverse, toggleref_traverse},
    {Py_tp_clear, toggleref_clear},
    {0, NULL},
};

static const pp_holders holders = {toggleref_holder_made, toggleref_holder_gone};

const pp_strategy pp_toggleref = {
    .name = "toggleref",
    .state = &toggleref_state,
    .wrap = toggleref_wrap,
    .live = toggleref_live,
    .new_instance = toggleref_new,
    .adopt = toggleref_adopt,
    .retain = toggleref_retain,
    .release = toggleref_release,
    .release_slot = toggleref_release_slot,
    .slots = slots,
    .visit = toggleref_visit,
    .holders = &holders,
};
