/* Recreate on demand. In Python the idea would be:
 *
 *     def wrap(native):
 *         return MyClass(native)     # every time
 *
 *     class MyClass:
 *         def __dealloc__(self):
 *             self.native.release()
 */
#include "../internal/wrapper/wrapper.h"

/* native -> Python: a new wrapper, with a native reference of its own. */
static PyObject *
naive_wrap(pp_side *side, pp_header *h)
{
    return pp_new_wrapper(side, h);
}

/* The header's wrapper field stays NULL: nothing is remembered, and goroutines
 * may drop any reference themselves. */
static void
naive_adopt(pp_side *side, PyObject *self, pp_header *h)
{
    PP_HEADER(self) = h;
}

pp_side pp_naive = {
    .name = "naive",
    .wrap = naive_wrap,
    .adopt = naive_adopt,
    .drop = pp_drop_reference,
};
