/* Native edges are Python references, too. In Python the idea would be:
 *
 *     class MyClass:                              # on top of toggleref's
 *         def append(self, child):
 *             self.native.append(child.native)    # the edge proper
 *             self.mirror.append(child)           # what gc sees of it
 *
 * As in toggleref each holder that gc can see has a counted reference to the wrapper
 * to show. An edge made by Python code is one more such holder, shown by the wrapper
 * that it starts from: both ends have wrappers, and a wrapper lives as long as native
 * code holds its object. So a cycle through native edges is a cycle of Python
 * references, and gc collects it. */
#include "../toggleref/toggleref.h"

/* In pp_header.state: whether gc has been shown all references to the wrapper.
 * In pp_header.extra: the ends of the edges that Python code made, in no order. */
typedef struct {
    size_t n, room;
    pp_header *to[];
} mirror;

#define MIRROR_OF(h) ((mirror *)(h)->extra)

/* Every wrapped object is flagged, not only those with a mirror: a goroutine may
 * remove an edge before its mirror is in place. */
static void
mirrored_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    atomic_fetch_or(&h->flags, PP_MIRRORED);
    pp_toggleref_adopt(side, self, h);
}

/* Without memory for it there is no mirror: the edge is one of those that gc cannot
 * see, as if a goroutine had made it. */
static void
mirrored_edge_made(pp_side *side, pp_header *from, pp_header *to)
{
    mirror *m = MIRROR_OF(from);

    if (m == NULL || m->n == m->room) {
        size_t room = m ? 2 * m->room : 2;
        mirror *more = PyMem_RawRealloc(m, sizeof *m + room * sizeof *m->to);
        if (more == NULL)
            return;
        if (m == NULL)
            more->n = 0;
        more->room = room;
        from->extra = m = more;
    }
    m->to[m->n++] = to;
    to->holders++;
    pp_toggleref_holder_made(side, to);
}

static void
unmirror(pp_side *side, pp_header *to)
{
    to->holders--;
    pp_toggleref_holder_gone(side, to);
}

/* An edge was removed, by Python code or on a goroutine. It need not be one with a
 * mirror; but of several to the same child it does not matter which is which. */
static void
mirrored_edge_gone(pp_side *side, pp_header *from, pp_header *to)
{
    mirror *m = MIRROR_OF(from);

    for (size_t i = 0; m && i < m->n; i++)
        if (m->to[i] == to) {
            m->to[i] = m->to[--m->n];
            unmirror(side, to);
            return;
        }
}

/* Take the mirror down. The edges' native references are still there: no wrapper
 * dies of it. */
static void
unmirror_all(pp_side *side, pp_header *h)
{
    mirror *m = MIRROR_OF(h);

    h->extra = NULL;
    for (size_t i = 0; m && i < m->n; i++)
        unmirror(side, m->to[i]);
    PyMem_RawFree(m);
}

/* The wrapper dies, and the native object with it; its edges go when Go finishes it
 * off. */
static void
mirrored_drop(pp_side *side, PyObject *self)
{
    if (PP_HEADER(self))
        unmirror_all(side, PP_HEADER(self));
    pp_toggleref_drop(side, self);
}

/* tp_traverse of what shows a reference to a wrapper, a holder or the wrapper where an
 * edge starts: as in toggleref, if all native references are shown. But here a goroutine
 * that has a parent may take a child without the GIL (Object.Children), and so turn the
 * answer from yes to no within one collection, which would then take a child for garbage
 * whose parent lives: a reference that was subtracted has to be found again. So the
 * answer is the one that was given when gc subtracted references, which it does with
 * the object as the argument, or none. Showing more when it looks for what is reachable
 * does no harm, and by its next collection the child looks referenced from outside. */
static int
mirrored_visit(pp_side *side, PyObject *from, pp_header *h, visitproc visit, void *arg)
{
    bool all = h->wrapper && pp_refs(h) == 1 + (int64_t)h->holders;

    if (arg == from || arg == NULL)
        h->state = all;
    if (h->wrapper && (all || h->state))
        Py_VISIT(h->wrapper);
    return 0;
}

/* tp_traverse: all it refers to, native edges among it. */
static int
mirrored_traverse(PyObject *self, visitproc visit, void *arg)
{
    mirror *m = PP_HEADER(self) ? MIRROR_OF(PP_HEADER(self)) : NULL;

    for (size_t i = 0; m && i < m->n; i++) {
        int stop = mirrored_visit(PP_WRAPPER(self)->side, self, m->to[i], visit, arg);
        if (stop)
            return stop;
    }
    return pp_plain_traverse(self, visit, arg);
}

/* tp_clear: gc has found that nobody but garbage refers to the wrapper, native code
 * included. */
static int
mirrored_clear(PyObject *self)
{
    pp_header *h = PP_HEADER(self);

    pp_plain_clear(self);
    if (h && MIRROR_OF(h)) {
        pp_side *side = PP_WRAPPER(self)->side;
        pp_retain(side, h); /* what goes with the edges may let go of the wrapper */
        unmirror_all(side, h);
        pp_remove_edges(side, h);
        pp_release(side, h);
    }
    return 0;
}

pp_side pp_mirrored = {
    .name = "mirrored",
    .wrap = pp_toggleref_wrap,
    .adopt = mirrored_adopt,
    .first = pp_toggleref_first,
    .last = pp_toggleref_last,
    .holder_made = pp_toggleref_holder_made,
    .holder_gone = pp_toggleref_holder_gone,
    .edge_made = mirrored_edge_made,
    .edge_gone = mirrored_edge_gone,
    .visit = mirrored_visit,
    .drop = mirrored_drop,
    .traverse = mirrored_traverse,
    .clear = mirrored_clear,
    .inseparable = true,
};
