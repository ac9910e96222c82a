// Package naive makes a new wrapper for every wrap and lets every wrapper die
// when Python drops it. The native object lives on without any memory of it.
//
// # Who ships it
//
// SWIG's proxy classes, gopy, and most bindings in their first year.
//
// # What it keeps
//
// The native object, and what lives in it. There is nothing to get wrong: no
// map, no borrowed pointer, no cycle through native code that gc could not see,
// because native code never refers to Python.
//
// # What it breaks
//
// Everything else. Two wraps are two objects that do not even compare equal; a
// dict, slots, a subclass and weak references die with the wrapper they were
// on; __del__ runs while the native object lives; an overridden method is not
// what a native callback finds.
package naive
