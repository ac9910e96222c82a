// Package nativedict keeps class and attributes with the native object from the
// first wrap on. Wrappers are disposable views that show the object's dict as
// their own.
//
// # Shipped by
//
// PyGObject from 3.55 on (PyGObjectData), in place of toggle references;
// PyObjC.
//
// # What it keeps
//
// While a wrapper lives, identity is kept. Across its death the subclass, a reassigned
// __class__ and the same __dict__ are kept, through gc too: gc breaks up the view, not
// the data. When a wrapper dies while native code holds the object, the data takes over its
// native reference, and the class and dict that the wrapper had last. Native code never owns a
// Python reference to a wrapper.
//
// # What it breaks
//
// The PyObject is another one, so weak references die; __slots__ belong to the
// view and die with it; __del__ runs at each death of a view. A cycle of a wrapper, its own
// dict and a holder leaks, because gc does not see the data's reference to the dict.
//
// # What it costs
//
// A dict for every object, used or not.
package nativedict
