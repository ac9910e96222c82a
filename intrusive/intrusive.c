/* One count for both. In Python the idea would be:
 *
 *     class MyClass:
 *         def __adopt__(self, native):          # the first wrapper, and the only one
 *             native.wrapper = self
 *             self.refcount += native.refs      # native references are Python references now
 *             native.refs = "see wrapper"
 *
 *     def retain(native):  native.wrapper.refcount += 1
 *     def release(native): native.wrapper.refcount -= 1   # at zero both die, by Python's ordinary road
 *
 *     def wrap(native):
 *         return native.wrapper or MyClass(native)
 *
 * A goroutine has no GIL to change Python's count with. It adds what it retains to
 * a correction in the header instead, and subtracts what it releases; whoever
 * changes the count next with the GIL works the correction in first.
 *
 * Why Python's count cannot reach zero in between: the correction is nothing when
 * the count is brought up to date, and from then on only those change it who hold a
 * reference that is counted. Such references go in two ways: with the GIL, which
 * brings the count up to date first; or on a goroutine, into the correction, the
 * last one through the queue, and that is with the GIL again. Only a Python
 * reference must not be the ground for a goroutine's first: edge_made. */
#include "../internal/wrapper/wrapper.h"

static inline int64_t
correction(int64_t word)
{
    return (word & ~(PP_COUNTED | PP_QUEUED)) - PP_CORRECTION;
}

/* Work the correction into Python's count. The caller has a reference, or knows who
 * does. */
static void
update(pp_header *h)
{
    int64_t word = atomic_load(&h->refs), by;

    do {
        by = correction(word);
        if (by == 0)
            return;
    } while (!atomic_compare_exchange_weak(&h->refs, &word, word - by));
    for (; by > 0; by--)
        Py_INCREF(h->wrapper);
    for (; by < 0; by++)
        Py_DECREF(h->wrapper);
}

/* native -> Python: the wrapper is there, or it is the first. */
static PyObject *
intrusive_wrap(pp_side *side, pp_header *h)
{
    if (h->wrapper == NULL)
        return pp_new_wrapper(side, h);
    Py_INCREF(h->wrapper);
    return h->wrapper;
}

/* From now on Python counts: native code's references move into the wrapper's
 * count. The wrapper's own is not among them: it owns the native object outright. */
static void
intrusive_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    int64_t others;

    PP_HEADER(self) = h;
    h->wrapper = self;
    others = atomic_exchange(&h->refs, PP_COUNTED | PP_CORRECTION) - 1;
    while (others--)
        Py_INCREF(self);
}

static void
intrusive_retain(pp_side *side, pp_header *h)
{
    Py_INCREF(h->wrapper);
}

static void
intrusive_release(pp_side *side, pp_header *h)
{
    update(h);
    Py_DECREF(h->wrapper);
}

/* Go has retained to for the edge, on the ground of no more than the Python
 * reference that somebody called append with. */
static void
intrusive_edge_made(pp_side *side, pp_header *from, pp_header *to)
{
    update(to);
}

/* A holder's tp_traverse: its own Python reference. While there is a correction a
 * goroutine holds references that the count may not show; then gc sees too many. */
static int
intrusive_visit(pp_side *side, PyObject *holder, pp_header *h, visitproc visit, void *arg)
{
    int64_t word = atomic_load(&h->refs);

    if (word & PP_COUNTED && correction(word) == 0)
        Py_VISIT(h->wrapper);
    return 0;
}

/* The wrapper dies, so nobody holds the native object: back to a count of its own,
 * which is the wrapper's one reference. */
static void
intrusive_dying(pp_side *side, PyObject *self)
{
    pp_header *h = PP_HEADER(self);

    if (h && h->wrapper == self) {
        h->wrapper = NULL;
        atomic_store(&h->refs, 1);
    }
}

pp_side pp_intrusive = {
    .name = "intrusive",
    .wrap = intrusive_wrap,
    .adopt = intrusive_adopt,
    .counted_retain = intrusive_retain,
    .counted_release = intrusive_release,
    .edge_made = intrusive_edge_made,
    .visit = intrusive_visit,
    .dying = intrusive_dying,
    .drop = pp_drop_reference,
    .inseparable = true,
};
