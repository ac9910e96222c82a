// Package handletable gives each wrapper an opaque 64-bit handle instead of a
// pointer: the number of an entry in a table, and the entry's
// generation. The handle is looked up on every use. A handle whose object is destroyed, or
// that was never given out, is refused with a ReferenceError. A handle that Python code
// has seen never names another object: its entry gets a new generation, and is retired when
// the generations are used up.
//
// # Shipped by
//
// runtime/cgo.Handle and gopy's handle map in Go, operating systems (HANDLE,
// file descriptors), and most bindings over a network or a
// process boundary.
//
// # What it keeps
//
// Memory safety, whatever Python does with the number; and equality: wrappers of
// one native object compare equal and hash alike, because the handle lives as
// long as the object does.
//
// # What it breaks
//
// As in naive, a wrapper is recreated for every wrap: identity, dict, slots,
// subclass and weak references are lost. gc sees nothing of what is behind a handle.
//
// # Looking up without a lock
//
// The table of Go objects (internal/slots) grows by slabs that never move. A look-up of any number is four
// atomic loads: the slab, the generation, the value, and the generation again, in case
// the entry was reused in between. An object's header, with its count and its handle, has the same
// number in slabs that C code reads. A wrapper's own handle is looked up there, without entering Go: the
// wrapper has a native reference, so the entry is not reused in between.
package handletable
