// Package preserve is full PyObject preservation: when Python drops its last
// reference to a wrapper while native code still holds the object, tp_dealloc
// does not free the wrapper but flips ownership: from now on the native object
// owns it. Wrapping the object again hands out the same PyObject, with its dict,
// slots, class and weak references as they were.
//
// # Shipped by
//
// PyTorch up to 2.9 for tensors and storages (THPVariable_tryResurrect), and
// the stand-alone C++ example the PyTorch work is known by
// (kurtamohler/pyobject-preservation).
//
// # The two owners
//
//	      Python owns                            native owns
//	variable ──▶ wrapper ──▶ object        wrapper ◀──▶ object ◀── holder
//	                ▲           ▲             one Python reference is the
//	                └── slot ───┘ holder      object's: a zombie
//
//	last Python reference goes, native code holds on ──▶ flip
//	native code wraps the object again               ──▶ resurrection: Python has references, too
//	native code releases its last reference          ──▶ Python owns, or the wrapper dies
//
// The count of native references includes the wrapper's own, always. So native code holds
// the object if refs > 1, and while tp_dealloc decides, the answer cannot turn from yes to
// no: a goroutine that releases the last other reference hands it to a queue, which an
// attached thread drains. After the first flip the wrapper does not reach a count of zero
// again before the last native release, so there is one flip, not one for each wrap.
//
// # Without the GIL
//
// The decision is made with the lock of the object's slot. wrap takes no lock: see
// preserve_live. A weak reference that another thread asks between the release of the last
// Python reference and the flip answers None; a moment later it answers again.
//
// # What it keeps
//
// Everything Python can see of a wrapper: identity, __dict__ and __slots__,
// subclass and a reassigned __class__, weak references and their callbacks,
// __del__ (once, at the real death, the native object still whole).
//
// Beyond what PyTorch's version does: a weak reference may bring a zombie back
// and outlive native code; slots are cleared on the trashcan, so that chains of
// any length die; gc never empties the dict of an object that native code
// holds; a cycle through one MyClassRef is collected; no metaclass is needed.
//
// # What it breaks
//
// tp_dealloc is too late for a wrapper whose last Python reference comes from a
// garbage cycle. gc runs __del__ and clears the weak references of all objects in
// the garbage before any tp_dealloc runs, and only a counted reference prevents
// that. Hence PyTorch changed to one in 2.10. The dict, the slots, the class and
// the identity survive.
//
// Cycles through native code are collected only where gc can see them whole: a
// wrapper that has been a zombie, with a single native reference that is a MyClassRef's.
// With two, with a native edge on the way, or when the wrapper also refers to itself and so
// never becomes a zombie, they leak until native code releases the object.
package preserve
