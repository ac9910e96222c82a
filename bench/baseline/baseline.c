/* The scaffolding with no lifetime policy. In Python:
 *
 *     class MyClass:                      # owns a native object
 *     class MyClassRef:
 *         def __init__(self, obj): self.obj = obj     # a Python reference
 *
 * As long as there is a wrapper, a native reference is a Python reference to it. The wrapper
 * owns the native object, which dies with it. */
#include "../../internal/wrapper/wrapper.h"

PP_ACCESSORS(baseline)

static PyObject *
baseline_wrap(pp_header *h)
{
    PyObject *self = lt_wrapper(&h->slot);

    if (self == NULL)
        return pp_new_wrapper(&baseline_state, h);
    Py_INCREF(self);
    return self;
}

/* The existing native references become Python references, except the wrapper's. */
static bool
baseline_adopt(PyObject *self, pp_header *h)
{
    int64_t others = pp_refs(h) - 1;

    atomic_store_explicit(&h->refs, 1, memory_order_relaxed);
    lt_set_wrapper(&h->slot, self);
    while (others-- > 0)
        Py_INCREF(self);
    return true;
}

static void
baseline_retain(pp_header *h)
{
    if (lt_wrapper(&h->slot))
        Py_INCREF(lt_wrapper(&h->slot));
    else
        pp_inc(h);
}

static inline void
baseline_release(pp_header *h)
{
    if (lt_wrapper(&h->slot))
        Py_DECREF(lt_wrapper(&h->slot));
    else if (pp_dec(h) == 0)
        pp_finish(&baseline_state, h);
}

static void
baseline_drop(PyObject *self)
{
    pp_header *h = PP_HEADER(self);

    if (h) {
        lt_set_wrapper(&h->slot, NULL);
        baseline_release(h);
    }
    PP_EVENT(&baseline_state, wrappers_freed);
}

static void
baseline_dealloc(PyObject *self)
{
    lt_die_as_base(self, baseline_dealloc, baseline_drop);
}

static int
baseline_traverse(PyObject *self, visitproc visit, void *arg)
{
    if (pp_visit_callback(self, visit, arg))
        return 1;
    return lt_traverse_as_base(self, visit, arg);
}

static int
baseline_clear(PyObject *self)
{
    lt_clear_as_base(self);
    pp_clear_callback(self);
    return 0;
}

/* A holder's part of its tp_traverse. */
static int
baseline_visit(pp_header *h, PyObject *holder, visitproc visit, void *arg)
{
    Py_VISIT(lt_wrapper(&h->slot));
    return 0;
}

static const PyType_Slot slots[] = {
    {Py_tp_dealloc, baseline_dealloc},
    {Py_tp_traverse, baseline_traverse},
    {Py_tp_clear, baseline_clear},
    {0, NULL},
};

/* Without release_slot: Go code cannot hold a reference. */
const pp_strategy pp_baseline = {
    .name = "baseline",
    .state = &baseline_state,
    .wrap = baseline_wrap,
    .new_instance = lt_new,
    .adopt = baseline_adopt,
    .retain = baseline_retain,
    .release = baseline_release,
    .slots = slots,
    .needs_gil = true, /* it measures the scaffolding, whose cost the GIL does not change */
    .visit = baseline_visit,
};
