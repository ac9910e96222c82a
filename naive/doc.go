// Package naive makes a new wrapper for every wrap. Every wrapper dies when
// Python drops it, and the native object keeps nothing of it.
//
// # Shipped by
//
// SWIG's proxy classes, gopy, and most bindings in their first year.
//
// # What it keeps
//
// The native object, and its contents. There is no lifetime protocol to get
// wrong: no map, no borrowed pointer, no cycle through native code that gc
// could not see, because native code never refers to Python.
//
// # What it breaks
//
// Everything else. Two wraps are two objects that do not even compare equal; a
// dict, slots, a subclass and weak references die with the wrapper they were
// on; __del__ runs while the native object lives; a native callback does not
// find an overridden method.
package naive
