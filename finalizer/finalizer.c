/* finalizer.h over the suite's native objects. */
#include "../internal/wrapper/wrapper.h"

PP_ACCESSORS(finalizer)
#define FINALIZER_SET_WRAPPER pp_set_wrapper
#define FINALIZER_EVENT(what) PP_EVENT(&finalizer_state, what)
#define FINALIZER_VISIT_MORE pp_visit_own_callback
#define FINALIZER_CLEAR_MORE pp_clear_own_callback
#include "finalizer.h"

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, finalizer_dealloc}, {Py_tp_traverse, finalizer_traverse},
    {Py_tp_clear, finalizer_clear},     {Py_tp_finalize, finalizer_finalize},
    {Py_tp_getset, pp_class_getset},    {0, NULL},
};

const pp_strategy pp_finalizer = {
    .name = "finalizer",
    .state = &finalizer_state,
    .wrap = finalizer_wrap,
    .new_instance = finalizer_new,
    .adopt = finalizer_adopt,
    .retain = finalizer_retain,
    .release = finalizer_release,
    .release_slot = finalizer_release_slot,
    .slots = slots,
    .needs_gil = true,
};
