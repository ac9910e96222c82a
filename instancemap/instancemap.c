/* instancemap.h over the suite's native objects. */
#include "../internal/wrapper/wrapper.h"

PP_ACCESSORS(instancemap)
#define INSTANCEMAP_EVENT(what) PP_EVENT(&instancemap_state, what)
#define INSTANCEMAP_VISIT_MORE pp_visit_own_callback
#define INSTANCEMAP_CLEAR_MORE pp_clear_own_callback

static inline void
instancemap_retain(pp_header *h)
{
    instancemap_inc(h);
}

static inline void
instancemap_release(pp_header *h)
{
    if (instancemap_dec(h) == 0)
        instancemap_free(h);
}

#include "instancemap.h"

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, instancemap_dealloc},
    {Py_tp_traverse, instancemap_traverse},
    {Py_tp_clear, instancemap_clear},
    {Py_tp_getset, pp_class_getset},
    {0, NULL},
};

const pp_strategy pp_instancemap = {
    .name = "instancemap",
    .state = &instancemap_state,
    .wrap = instancemap_wrap,
    .live = instancemap_live,
    .new_instance = instancemap_new,
    .adopt = instancemap_adopt,
    .retain = instancemap_retain,
    .release = instancemap_release,
    .release_slot = instancemap_release_slot,
    .slots = slots,
};
