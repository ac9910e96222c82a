package native

import (
	"sync/atomic"
	"unsafe"
)

// Header is the fixed-layout record of an object that both sides share. C code mirrors it
// (internal/wrapper/header.h; a test there compares the offsets).
//
// Refs is the count, with [HasWrapper] or [CountedElsewhere]. It is changed by atomic
// operations only, by both sides, and so is Flags. Every other field is written before the
// object is published, or by the attached side under its own lock.
type Header struct {
	Refs  int64  // native references, the wrapper's and Go code's included
	ID    uint64 // process-unique, from 1, never reused
	Flags uint32 // HasBody; the other low 16 bits are the attached side's, the high ones the Library's

	// More native references, which the attached side counts itself while the object HasWrapper:
	// under its own lock, without atomic instructions. Go code decides by Refs alone.
	AttachedRefs uint32

	Side [3]uintptr // the attached side's own
}

// ownHeader is the record of an object for which no side supplies one.
type ownHeader struct {
	Header
	library *Library
}

// libraryShift are the bits of Flags below the number of the library, which is 0 in an ownHeader.
const libraryShift = 16

// libraryOf is the library of the object with this record, whose Flags are given.
func libraryOf(h *Header, flags uint32) *Library {
	if number := flags >> libraryShift; number != 0 {
		return (*numbered.Load())[number-1]
	}
	return (*ownHeader)(unsafe.Pointer(h)).library
}

func (h *Header) library() *Library { return libraryOf(h, atomic.LoadUint32(&h.Flags)) }

// HasWrapper is the bit of Refs that says: the object has a wrapper on the other side, which
// owns one of the references. Go code then never takes the count from 2 to 1: the last
// reference beside the wrapper's goes to [Hooks.Release]. The bit is in the same word as the
// count to avoid an ABA race between the two.
//
// PyTorch has the same bit in its counts (c10::intrusive_ptr, kHasPyObject).
const HasWrapper = 1 << 62

// CountedElsewhere is the bit of Refs that says: the other side counts the references. The
// rest of the word is the other side's, with one exception: [Object.Retain] adds 1 to it.
// [Object.Release] leaves every reference to [Hooks.Release].
//
// nanobind's intrusive counter has the same state (intrusive_counter::set_self_py).
const CountedElsewhere = 1 << 61

// HasBody is set in Flags once the object has had a message, a payload, an edge or a [Managed]. An
// object that never had one is memory only: the time of its destruction cannot be observed.
const HasBody = 1

// Hooks are how a side in another language attaches to a [Library]. Every field is optional.
// A hook may be called from any goroutine unless its comment says otherwise, and must not
// block.
type Hooks struct {
	// Header supplies the record for a new object, zeroed. Without it headers come from
	// the Go heap.
	Header func(*Object) *Header

	// Free takes the record back. The object is destroyed by then and its count is 0.
	Free func(*Object, *Header)

	// Release takes over one reference and releases it later, under the other side's
	// lock: the last one beside the wrapper's of an object that HasWrapper, and any of an
	// object that is CountedElsewhere.
	Release func(*Object, *Header)

	// Long is called by a destruction, or by [Object.RemoveAll], that has taken longSteps and has a
	// rest to do. The other side may let other threads have its lock until the destruction returns;
	// or it returns true and calls rest once, later and on a thread of its choice. Long is called by
	// the goroutine that released the last reference, which need not have the lock.
	Long func(rest func()) bool

	// QueueAll has Release take over every reference of an object that HasWrapper, so
	// that the count of such an object is only lowered under the other side's lock.
	QueueAll bool

	// EdgeRemoved takes over the reference of an edge that was removed from an object with
	// a wrapper, and one more of the object itself.
	EdgeRemoved func(parent, child *Object)

	// Count is the number of references of an object that is CountedElsewhere. Without
	// the other side's lock it is a guess.
	Count func(*Header) int64

	// Dispatch delivers an event to the object through the other side, where a handler
	// may be overridden. [Object.Emit] calls it.
	Dispatch func(*Object, int64) (int64, error)
}
