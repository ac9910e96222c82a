package native

// Header is the fixed-layout record of an object that both sides share. C code
// mirrors it (internal/wrapper/header.h; a test there compares the offsets).
//
// Refs is the count, and [Watched]. It is changed with atomic operations only, by
// both sides. Every other field is written before the object is published, or by
// the attached side under its own lock, which for Python is the GIL; but for two:
// Next by whoever owns the queued reference, and Flags by Go, atomically.
type Header struct {
	Refs    int64   // native references, the wrapper's own included; and Watched
	ID      uint64  // process-unique, from 1, never reused
	Wrapper uintptr // the attached side's own: what stands for the object there
	State   uint32  // the attached side's own
	Holders uint32  // how many of Refs the attached side can see the holder of
	Handle  uint64  // finds the Go object again from C (slot and generation)
	Next    uintptr // link while the header waits in a queue or on a free list
	Extra   uintptr // the attached side's own
	Flags   uint32  // HasBody, Mirrored
	_       uint32
}

// Watched is the bit of Refs that says: something stands for the object on the
// other side, which wants to be told when the last reference beside its own goes
// ([Hooks.Last]) and when there is one again ([Hooks.First]). It is part of the
// count's word so that one compare-and-swap sees both: in a field of its own it
// could be set, and the count come back to what it was, between two looks.
const Watched = 1 << 62

// Counted is the bit of Refs that says: the other side counts. The rest of the
// word is then no count but, around [Correction], how much the other side's count
// has to change for what goroutines have retained and released meanwhile. The
// other side keeps its part above zero for as long as anybody holds a reference,
// so that a goroutine need not wait for it; the last word on every release that
// goroutines have made is [Hooks.Last]'s.
const Counted = 1 << 61

// Queued is set, beside Counted, while a reference that Hooks.Last took over waits
// to be dropped.
const Queued = 1 << 60

// Correction is what the rest of the word is when there is nothing to correct.
const Correction = 1 << 40

// Mirrored is set in Flags when the other side keeps a mirror of the object's
// edges: a removed one goes to [Hooks.Unlink].
const Mirrored = 4

// HasBody is set in Flags once the object has had a message or an edge. One
// that never had is nothing but memory, and when it is finished off makes no
// difference to anybody.
const HasBody = 1

// Hooks are how a side in another language attaches to a [Library]. Every
// field is optional.
type Hooks struct {
	// Header supplies the record for a new object, zeroed. It may be called
	// from any goroutine. Without it headers come from the Go heap.
	Header func(*Object) *Header

	// Free takes the record back. The object is destroyed by then; its Refs
	// are 0 and nobody may look at it again.
	Free func(*Object, *Header)

	// Last takes over one reference of an object that is Watched, namely the
	// last one beside the wrapper's own. It is called on whatever
	// goroutine released it, must not block, and must see to it that the
	// reference is dropped later. While it has not been dropped no second one
	// is handed over, so one intrusive link in the header is enough. Of an
	// object that is Counted it takes over any reference that a goroutine gives
	// back, while none is Queued.
	Last func(*Object, *Header)

	// Unlink takes over the reference of an edge that was removed from an object
	// that is Mirrored, and one more of the object itself. It is called on
	// whatever goroutine removed it, and must not block.
	Unlink func(parent, child *Object)

	// Count is the number of references of an object that is Counted, as far as
	// can be told without the other side's lock.
	Count func(*Header) int64

	// First is told that an object that is Watched has one reference beside the
	// wrapper's own again. It is called by the goroutine that took it,
	// which had only the wrapper's to take it from, and so holds the lock
	// under which the other side lends that out; for Python: the GIL.
	First func(*Object, *Header)

	// Idle is how many objects the side has that nobody else does: of
	// [Library.NewStock] and not asked for yet, or with a count of zero and not
	// finished off yet. May be called from any goroutine.
	Idle func() int64

	// Dispatch delivers an event to the object through the other side, where
	// a handler may be overridden. It is called by [Object.Emit].
	Dispatch func(*Object, int64) (int64, error)
}
