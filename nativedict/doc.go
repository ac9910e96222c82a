// Package nativedict keeps class and attributes with the native object from the
// first wrap on. Wrappers are disposable views that show the object's dict as
// their own.
//
// # Who ships it
//
// PyGObject from 3.55 on (PyGObjectData), which left toggle references for it;
// PyObjC.
//
// # What it keeps
//
// Identity while a wrapper lives, and across its death the subclass, a reassigned
// __class__ and the very same __dict__, through gc too: what gc breaks up is the
// view, not the data. There is nothing to move when a wrapper dies, and no
// Python reference to a wrapper is ever held by native code.
//
// # What it breaks
//
// The PyObject is another one, so weak references die; __slots__ belong to the
// view and die with it; __del__ runs at each death of a view.
//
// # What it costs
//
// A dict for every object, used or not.
package nativedict
