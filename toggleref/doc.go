// Package toggleref has native code hold one real Python reference to the wrapper whenever it holds
// the native object beside the wrapper's own reference. It is taken when the count of native
// references goes from 1 to 2 and released when it goes from 2 to 1.
//
// # Shipped by
//
// PyTorch from 2.10 on, in place of the resurrection that package preserve shows; PyGObject up to
// 3.54, by GLib's toggle references. Binding libraries have the same effect where a smart pointer
// in native code owns the wrapper: pybind11 with trampoline_self_life_support, nanobind and
// Boost.Python with a shared_ptr that was made from a Python argument.
//
// # What it keeps
//
// Everything, except for cycles of native edges, see below. The wrapper does not die while native
// code holds the object, so there is no resurrection: subclasses keep CPython's slots, and weak
// references and __del__ behave as for any object. gc sees a counted reference from the start, so
// it never takes the wrapper for garbage while native code holds the object. No tp_dealloc can
// achieve that.
//
// # What it costs
//
// A Python reference count on every 1↔2 edge. Going up takes an attached thread, because at a count
// of 1 only the wrapper owns a reference, and the new one must be taken through it; going down may
// happen on any goroutine, and is queued. Wrappers of objects that native code keeps for long stay
// in memory, and in gc's lists, for as long.
//
// # Cycles through native code
//
// A counted reference that gc cannot traverse makes every cycle through native code leak. So each
// MyClassRef owns a Python reference of its own: its tp_traverse visits the wrapper while all
// native references are such holders'. If other native code holds the object, tp_traverse visits
// nothing, and gc finds the wrapper referenced from outside. Cycles through native edges, which gc
// cannot follow, leak.
package toggleref
