/* Go's garbage collector owns zombies. In Python the idea would be:
 *
 *     class MyClass:                              # on top of preserve's
 *         def __dealloc__(self):                  # no more Python references
 *             if gone(self.native.pointer):       # Go has found it unreachable, or never had it
 *                 die(self)
 *             else:
 *                 self.native.owns_wrapper = True; resurrect(self)
 *
 *     def pointer_found_unreachable(native):      # Go's collector, at some time
 *         if native.owns_wrapper:
 *             del native.wrapper                  # __dealloc__; or a weakref got there first
 *
 * Go code does not count: it has ordinary pointers, native.Managed. There is one for
 * all of Go; it owns one counted reference, which Go's collector gives back. So all
 * that preserve does is right here as well, and the only difference is who decides
 * when native code lets go.
 *
 * A MyClassRef stands for Go code that has stored the pointer: the pointer is rooted
 * for as long as there is one. */
#include "../preserve/preserve.h"

#include "_cgo_export.h"

static void
gcowned_holder_made(pp_side *side, pp_header *h)
{
    if (h->holders == 1)
        ppGcownedRoot(h->handle);
}

static void
gcowned_holder_gone(pp_side *side, pp_header *h)
{
    if (h->holders == 0)
        ppGcownedUnroot(h->handle);
}

static void
gcowned_settle(pp_side *side)
{
    ppGcownedCollect();
}

pp_side pp_gcowned = {
    .name = "gcowned",
    .wrap = pp_preserve_wrap,
    .adopt = pp_preserve_adopt,
    .last = pp_preserve_last,
    .holder_made = gcowned_holder_made,
    .holder_gone = gcowned_holder_gone,
    .settle = gcowned_settle,
    .visit = pp_preserve_visit,
    .dealloc = pp_preserve_dealloc,
    .traverse = pp_preserve_traverse,
    .clear = pp_preserve_clear,
    .owns_subclasses = true,
};
