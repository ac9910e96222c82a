// Package toggleref has native code own a Python reference to the wrapper. The wrapper owns one
// native reference. While there are others, native code owns the Python reference: it is taken
// when the count of native references goes from 1 to 2, and released when it goes from 2 to 1.
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
// A Python reference count on every 1↔2 edge. A thread that takes the count from 1 to 2 must
// hold a Python reference to the wrapper, so it is attached. Any thread may release; an
// unattached one puts the release from 2 to 1 on a queue. Wrappers of objects that
// native code keeps for long stay in memory, and in gc's lists, for as long.
//
// # Cycles through native code
//
// A counted reference that gc cannot see makes every cycle through native code
// immortal, unless gc is told where it comes from. Each MyClassRef has a Python
// reference of its own to show: its tp_traverse visits the wrapper if every native
// reference but the wrapper's own is owned by a holder. Otherwise it visits nothing, and the
// wrapper looks referenced from outside, as it is. Cycles
// through native edges, which gc cannot follow, leak.
package toggleref
