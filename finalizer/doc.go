// Package finalizer resurrects the wrapper from tp_finalize (PEP 442), the slot
// behind __del__: if native code holds the object, take a reference to self. It
// is the first idea of many authors, and it passes a test with one death.
//
// # Shipped by
//
// No library, for long.
//
// # What it keeps
//
// The first death is survived whole: identity, dict, slots, subclass, weak
// references.
//
// # What it breaks
//
// CPython calls tp_finalize once in the life of an object that gc tracks. The
// second death is real, and so is every death of a wrapper whose class has a
// __del__ of its own, which takes the slot. Up to CPython 3.14 gc clears weak
// references before it calls the slot; in every version it may finalize first
// what the wrapper refers to. Whatever works in a test that drops a wrapper once fails in a
// program that does so twice.
package finalizer
