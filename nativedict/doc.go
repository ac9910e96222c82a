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
// Identity while a wrapper lives, and across its death the subclass, a reassigned
// __class__ and the very same __dict__, also when gc collects a cycle, because it
// clears the view, not the data. Nothing moves when a wrapper dies, and native
// code never holds a Python reference to a wrapper.
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
