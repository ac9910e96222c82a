/* naive.h over the suite's native objects. */
#include "../internal/wrapper/wrapper.h"

PP_ACCESSORS(naive)
#define NAIVE_EVENT(what) PP_EVENT(&naive_state, what)
#define NAIVE_VISIT_MORE pp_visit_own_callback
#define NAIVE_CLEAR_MORE pp_clear_own_callback
#include "naive.h"

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, naive_dealloc},
    {Py_tp_traverse, naive_traverse},
    {Py_tp_clear, naive_clear},
    {0, NULL},
};

const pp_strategy pp_naive = {
    .name = "naive",
    .state = &naive_state,
    .wrap = naive_wrap,
    .new_instance = naive_new,
    .adopt = naive_adopt,
    .retain = naive_retain,
    .release = naive_release,
    .release_slot = naive_release_slot,
    .slots = slots,
};
