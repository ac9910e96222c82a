// Package instancemap keeps a map from each native object to its live wrapper.
// The map borrows: it does not keep the wrapper alive. While a wrapper lives,
// every wrap finds it; once it is dead, the next wrap makes a fresh one.
//
// # Who ships it
//
// pybind11 (registered instances), nanobind (inst_c2p), Shiboken (the binding
// manager), SIP. They wrap classes that they cannot change, so the wrapper
// cannot be stored in the object, and is not here either: the map is a hash
// table.
//
// # What it keeps
//
// Identity while anybody in Python looks: two wraps give one object, so that
// `is`, hashing and attributes work for as long as the wrapper is referenced.
//
// # What it breaks
//
// Everything across the wrapper's death, as in naive.
//
// # What to look out for
//
// A wrapper in the map may be dying: CPython's slots for Python subclasses run
// code (the __del__ of a slot's value) while its count is zero already. Handing
// that out would resurrect freed memory, so an entry whose wrapper has no
// references counts as none. And the entry goes before weak reference callbacks
// run, which may wrap the object again.
package instancemap
