/* mirrored.h: toggleref, and the native edges that Python code makes are Python references
 * too, which gc can follow.
 *
 *     class MyClass:                              # on top of toggleref's
 *         def append(self, child):
 *             self.native.append(child.native)    # the edge proper, with a native reference
 *             self.mirror.append(child)           # what gc sees of it
 *
 * As in toggleref each holder has a counted Python reference of its own to show to gc. An edge
 * with a mirror counts as a holder of its child, and the parent's wrapper visits the child's
 * wrapper for it. Both wrappers live as long as native code holds their objects. So a cycle through
 * native edges is a cycle of Python references, and gc collects it.
 *
 * States and transitions beyond toggleref's, by an attached thread. The lock of from's slot
 * guards the array; it is never held together with to's, and the holder is counted as long as
 * the end is in the array. So gc may find a reference that nothing visits, never a visit without
 * a reference:
 *
 *     an edge has a mirror, or has none and is invisible to gc
 *
 *     no mirror -> mirror   mirrored_edge_made
 *     mirror -> no mirror   mirrored_edge_gone; the wrapper's death; mirrored_clear
 *
 *     slot.state            what gc was told in this collection: see mirrored_visit
 *
 * Define toggleref's accessors (toggleref/toggleref.h) before including this file, and after
 * it:
 *
 *     static inline mirrored_mirror **mirrored_mirror_of(toggleref_native *);
 *                            a pointer in the native object, NULL at birth
 *     static void mirrored_remove_edges(toggleref_native *);
 *                            remove all native edges and release their references
 *
 * List mirrored_dealloc, mirrored_traverse, mirrored_clear in the class; the rest is
 * toggleref's. */
#ifndef MIRRORED_H
#define MIRRORED_H

#include <stddef.h>

/* The ends of the edges with a mirror, in no order; the array follows the struct. */
typedef struct mirrored_mirror {
    size_t n, room;
} mirrored_mirror;

#include "../lifetime/queue.h"
#include "../toggleref/toggleref.h"

#define MIRRORED_SLICE 16384 /* edges of which the mirrors are removed in a row: 0.2 ms */

static inline mirrored_mirror **mirrored_mirror_of(toggleref_native *);
static void mirrored_remove_edges(toggleref_native *);

static inline toggleref_native **
mirrored_ends(mirrored_mirror *mirror)
{
    return (toggleref_native **)(void *)(mirror + 1);
}

/* Python code makes a native edge. Call it after the retain of to, and before another thread can
 * see the edge: it may remove it at once. Without memory there is no mirror, and the edge is
 * invisible to gc. */
static inline void
mirrored_edge_made(toggleref_native *from, toggleref_native *to)
{
    mirrored_mirror **where = mirrored_mirror_of(from), *mirror;
    bool made = true;

    toggleref_holder_made(to);
    lt_lock(toggleref_slot(from));
    mirror = *where;
    if (mirror == NULL || mirror->n == mirror->room) {
        size_t n = mirror ? mirror->n : 0, room = mirror ? 2 * mirror->room : 2;
        mirror = (mirrored_mirror *)PyMem_RawRealloc(mirror, sizeof *mirror + room * sizeof to);
        made = mirror != NULL;
        if (made) {
            mirror->n = n;
            mirror->room = room;
            *where = mirror;
        }
    }
    if (made)
        mirrored_ends(mirror)[mirror->n++] = to;
    lt_unlock(toggleref_slot(from));
    if (!made)
        toggleref_holder_gone(to);
}

/* An edge is being removed, by Python code or by another thread; its native reference is
 * still there. The edge need not have a mirror; of several edges to one child it does not
 * matter which. */
static inline void
mirrored_edge_gone(toggleref_native *from, toggleref_native *to)
{
    mirrored_mirror *mirror;
    bool found = false;

    lt_lock(toggleref_slot(from));
    mirror = *mirrored_mirror_of(from);
    for (size_t i = 0; mirror && i < mirror->n && !found; i++)
        if (mirrored_ends(mirror)[i] == to) {
            mirrored_ends(mirror)[i] = mirrored_ends(mirror)[--mirror->n];
            found = true;
        }
    lt_unlock(toggleref_slot(from));
    if (found)
        toggleref_holder_gone(to);
}

/* End what mirrored_edge_made began for each of these edges. Executes any Python code of other
 * threads if they are many. Not inline: most objects have no edges. */
LT_APART static void
mirrored_end(mirrored_mirror *mirror)
{
    for (size_t i = 0; i < mirror->n; i++) {
        toggleref_holder_gone(mirrored_ends(mirror)[i]);
        if (i % MIRRORED_SLICE == MIRRORED_SLICE - 1)
            lt_let_others();
    }
    PyMem_RawFree(mirror);
}

/* Remove the mirrors of all edges. The edges' native references are still there, so no
 * wrapper dies of it. */
static inline void
mirrored_forget(toggleref_native *from)
{
    mirrored_mirror **where = mirrored_mirror_of(from), *mirror;

    lt_lock(toggleref_slot(from));
    if ((mirror = *where) != NULL)
        *where = NULL;
    lt_unlock(toggleref_slot(from));
    if (mirror)
        mirrored_end(mirror);
}

/* ---- slots of the class --------------------------------------------------------- */

static inline void
mirrored_drop(PyObject *self)
{
    if (toggleref_of(self))
        mirrored_forget(toggleref_of(self));
    toggleref_drop(self);
}

static void
mirrored_dealloc(PyObject *self)
{
    lt_die_as_base(self, mirrored_dealloc, mirrored_drop);
}

/* tp_traverse of an object with a reference to a wrapper, a holder or the wrapper where an
 * edge starts: visit the wrapper if every native reference is visible, as in toggleref.
 *
 * gc traverses twice: it subtracts references, then it looks for what is reachable. In between an
 * unattached thread that holds the parent may take a child, and turn toggleref_all_visible to
 * false. gc would then have subtracted the child's references and not reach it from its living
 * parent. So the answer of the first pass is stored in slot.state, and the second pass visits if
 * either answer is yes. The first pass is the one whose arg is the traversed object, or, on
 * free-threaded builds, NULL. No lock: no attached thread holds one while gc traverses.
 *
 * Such a thread must not release the parent meanwhile, which would hide the reference by which
 * the child is reached. Your part: an unattached thread hands over every release of an object
 * with a wrapper (lt_hand_over). lt_release_unattached hands over too little. */
static inline int
mirrored_visit(toggleref_native *native, PyObject *from, visitproc visit, void *arg)
{
    lt_slot *slot = toggleref_slot(native);
    bool first = arg == (void *)from || arg == NULL;
    bool visible = (!first && lt_state(slot)) || toggleref_all_visible(native);

    if (first && lt_state(slot) != visible)
        lt_set_state(slot, visible);
    if (visible)
        Py_VISIT(lt_wrapper(slot));
    return 0;
}

/* tp_traverse: all that self refers to, edges with a mirror included. */
static int
mirrored_traverse(PyObject *self, visitproc visit, void *arg)
{
    toggleref_native *native = toggleref_of(self);
    mirrored_mirror *mirror = native ? *mirrored_mirror_of(native) : NULL;

    for (size_t i = 0; mirror && i < mirror->n; i++) {
        int stop = mirrored_visit(mirrored_ends(mirror)[i], self, visit, arg);
        if (stop)
            return stop;
    }
    return toggleref_traverse(self, visit, arg);
}

/* tp_clear: gc has found that every reference to the wrapper, the native ones included, comes
 * from garbage. */
static int
mirrored_clear(PyObject *self)
{
    toggleref_native *native = toggleref_of(self);

    toggleref_clear(self);
    if (native && *mirrored_mirror_of(native)) {
        toggleref_retain(native); /* what the edges release may release the wrapper */
        mirrored_forget(native);
        mirrored_remove_edges(native);
        toggleref_release(native);
    }
    return 0;
}

#endif
