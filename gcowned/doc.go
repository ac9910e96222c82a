// Package gcowned is for Go code that does not count. It holds native objects by
// ordinary Go pointers, [native.Managed]; a wrapper that Python drops is a zombie
// until Go's garbage collector finds that no Go code has such a pointer either.
//
// # Who ships it
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
// The counted object stays, with all that is in it, when its Managed was found
// unreachable. A wrapper that lives on therefore stands for a whole native object, and
// Go code that asks for it again gets a new Managed. Package native says why a pointer
// that is collected and an object that is counted are two things. Python.NET, where they are
// one, takes a root away when the wrapper dies and puts it back when it is wrapped
// again; here the reference that the wrapper owns is all the root it takes.
//
// An object that Go has never had a pointer to, which Python made and dropped, dies at
// once.
//
// # What it keeps
//
// What preserve keeps, but for cycles, see below. A chain of native objects dies with one Go collection,
// however long, and so does a cycle of Go pointers between objects of Go code's own.
//
// # What it gives up
//
// Prompt destruction: __del__, weak reference callbacks and the native object itself
// wait for Go's collector, which does not know how much memory Python holds on to; a
// program that needs it calls runtime.GC. And cycles that go through both languages: each
// collector sees half of them. A chain that changes sides at every link dies one link a
// collection.
//
// # What it costs
//
// Wrapping and unwrapping are preserve's, in C. Each object that Go gets a pointer to
// costs that pointer and its entry in the collector's tables, and a MyClassRef, which
// stands for Go code that stores the pointer, enters Go when it comes and when it goes.
package gcowned
