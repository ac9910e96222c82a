// Package instancemap keeps a map from each native object to its live wrapper.
// The map borrows: it does not keep the wrapper alive. While a wrapper lives,
// every wrap finds it; once it is dead, the next wrap makes a fresh one.
//
// # Shipped by
//
// pybind11 (registered instances), nanobind (inst_c2p), Shiboken (the binding
// manager), SIP. They wrap classes that they cannot change, so they cannot store the
// wrapper in the object. This strategy does not either: it has a hash table.
//
// # What it keeps
//
// Identity while Python holds the wrapper: two wraps give one object, so that
// `is`, hashing and attributes work for as long as the wrapper is referenced.
//
// # What it breaks
//
// Everything across the wrapper's death, as in naive.
//
// # What to look out for
//
// A dying wrapper must leave the map after its __del__, which may store self, and before its
// weak reference callbacks and the values in its __slots__ run code, which may wrap the object
// again. For a Python subclass CPython's subtype_dealloc calls the native class's tp_dealloc last,
// and the object may wait in the trashcan before that call. So every Python subclass gets this
// scheme's slots (lt_own).
//
// Any thread may release a native reference: nothing is handed over, because the map never
// decides about the native object.
package instancemap
