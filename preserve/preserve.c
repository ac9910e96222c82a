/* preserve.h over the suite's native objects. */
#include "../internal/wrapper/wrapper.h"

PP_ACCESSORS(preserve)
#define PRESERVE_SET_WRAPPER pp_set_wrapper
#define PRESERVE_EVENT(what) PP_EVENT(&preserve_state, what)
#define PRESERVE_VISIT_MORE pp_visit_own_callback
#define PRESERVE_CLEAR_MORE pp_clear_own_callback
#include "preserve.h"

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, preserve_dealloc},
    {Py_tp_traverse, preserve_traverse},
    {Py_tp_clear, preserve_clear},
    {Py_tp_getset, pp_class_getset},
    {0, NULL},
};

static const pp_holders holders = {preserve_holder_made, preserve_holder_gone};

const pp_strategy pp_preserve = {
    .name = "preserve",
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
};
