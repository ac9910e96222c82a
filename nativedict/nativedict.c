/* nativedict.h over the suite's native objects. */
#include "../internal/wrapper/wrapper.h"

PP_ACCESSORS(nativedict)
#define NATIVEDICT_SET_WRAPPER pp_set_wrapper
#define NATIVEDICT_EVENT(what) PP_EVENT(&nativedict_state, what)
#define NATIVEDICT_VISIT_MORE pp_visit_own_callback
#define NATIVEDICT_CLEAR_MORE pp_clear_own_callback

static inline void **
nativedict_data(pp_header *h)
{
    return pp_extra(h);
}

#include "nativedict.h"

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, nativedict_dealloc},
    {Py_tp_traverse, nativedict_traverse},
    {Py_tp_clear, nativedict_clear},
    {Py_tp_getset, pp_class_getset},
    {0, NULL},
};

static const pp_holders holders = {nativedict_holder_made, nativedict_holder_gone};

const pp_strategy pp_nativedict = {
    .name = "nativedict",
    .state = &nativedict_state,
    .wrap = nativedict_wrap,
    .live = nativedict_live,
    .new_instance = nativedict_new,
    .adopt = nativedict_adopt,
    .retain = nativedict_retain,
    .release = nativedict_release,
    .release_slot = nativedict_release_slot,
    .slots = slots,
    .visit = nativedict_visit,
    .holders = &holders,
};
