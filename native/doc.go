// Package native is the library that the suite binds to Python: plain Go objects with a
// message, a process-unique id, an explicit reference count and edges to other objects. It uses
// no cgo and knows nothing of Python, so for every strategy the count answers the question
// "does native code still hold it?".
//
// # Life of an object
//
// [Library.New] returns an object with one reference, owned by the caller.
// [Object.Retain] and [Object.Release] count further ones; the release that
// takes the count to zero destroys the object: its edges are released, its
// header is given back, and every later use panics with a sentence that names
// it. No object is destroyed while a reference to it exists.
//
// # The header
//
// The count is not in the Go object but in its [Header], a record of plain integers. A pure Go
// program gets headers from the Go heap and never sees them. A Python side supplies headers in
// C memory ([Hooks]), and then C code reads and changes the count without calling Go.
//
// # The one rule for the other side
//
// An object that [HasWrapper] has one reference that belongs to its wrapper. Go code never
// drops the last reference beside it: it goes to [Hooks.Release], and the other side releases
// it under its lock (for Python: the GIL, or the lock of the object's slot). So a wrapper that
// asks, under that lock, "is mine the only reference?" gets an answer that stays true until the
// lock is released.
//
// A side that counts references itself sets [CountedElsewhere].
//
// # Go code that does not count
//
// [Managed] is a pointer that owns one reference, which is released when Go's
// garbage collector finds the pointer unreachable.
package native
