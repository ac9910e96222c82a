// Package handletable gives each wrapper an opaque 64-bit handle instead of a
// pointer: the number of a slot in a table on the Go side, and the slot's
// generation. Go looks the handle up on every use. A handle whose object is
// gone, or that never existed, raises ReferenceError. A reused slot has another
// generation, so a stale handle never reaches another object (ABA).
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
// subclass and weak references are lost. And every use enters Go.
//
// # Looking up without a lock
//
// The table (internal/slots) grows by slabs that never move. A look-up is three
// atomic loads: the slab, the generation, the value; and the generation once
// more, in case the slot changed hands between them.
package handletable
