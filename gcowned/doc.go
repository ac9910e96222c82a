// Package gcowned is for Go code that does not count. It holds native objects by
// ordinary Go pointers, [native.Managed]; a wrapper that Python drops is a zombie
// until Go's garbage collector finds that no Go code has such a pointer either.
//
// # Shipped by
//
// Python.NET does this for classes derived in Python, with .NET's collector. It is what
// the author of a Go binding wants: a Go API without Retain and Release.
//
// # How the pair dies
//
//	Go code ──▶ Managed ──▶ object ◀──▶ wrapper ◀── Python
//	           collected     counted     the reference is the
//	           by Go                     object's: a zombie
//
//	no Go code has the Managed     ──▶ its reference is released: handed over to the queue
//	the object has no other        ──▶ the zombie dies; or, if a weak reference has
//	                                   brought it back, lives on as Python's
//
// The counted object and its contents stay when its Managed is found unreachable. So a
// wrapper that lives on has a complete native object, and Go code that asks for it again
// gets a new Managed. Package native says why the collected pointer and the counted object
// are two things. In Python.NET they are one: it removes a root when the wrapper dies and
// restores it when the object is wrapped again. Here the wrapper's reference is the only
// root.
//
// An object that Python made and dropped, and that Go code never had a pointer to,
// dies at once.
//
// # What it keeps
//
// What preserve keeps, except for cycles, see below. A chain of native objects dies with one Go
// collection, however long, and so does a cycle of Go pointers between objects of Go code's own.
//
// # What it breaks
//
// Prompt destruction: __del__, weak reference callbacks and the native object itself
// wait for Go's collector, which does not count Python's memory; a program that
// cannot wait calls runtime.GC. And cycles that go through both languages: each
// collector sees half of them. A chain that changes sides at every link dies one link a
// collection.
//
// # What it costs
//
// Wrapping and unwrapping are preserve's, in C. A pointer of Go code's own costs about 290 bytes
// (itself, the part of its object that few need, a weak handle, and the collector's entries for the
// two) and 5,000 instructions, most of which walk the collector's lists of such entries.
//
// A MyClassRef represents Go code that has stored the pointer, without there being one: while an
// object has a MyClassRef its pointer cannot become unreachable, so the C code counts them. When the
// last one has gone, the pointer would be unreachable. Its reference then goes to a list, and is
// released when Go's collector has run: Go is entered once for each collection. So a MyClassRef
// costs what preserve's does, and its figures contain neither a pointer nor the release.
package gcowned
