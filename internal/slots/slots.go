// Package slots is a table of values under 64-bit handles: the low half is the
// slot, the high half the slot's generation. A look-up takes no lock. A handle
// whose value has been deleted is refused for ever, even when another value has
// its slot.
//
// It is how C code names a Go value: a Go pointer must not be stored in C
// memory. runtime/cgo.Handle does the same with a sync.Map, and panics on a stale
// handle.
package slots

import (
	"sync"
	"sync/atomic"
)

// SlabSize is the number of slots in a slab. An array that is parallel to the table
// may use slabs of the same size.
const (
	SlabBits = 12
	SlabSize = 1 << SlabBits
	SlotBits = 28 // as many of a handle's low half are ever used
	MaxSlabs = 1 << (SlotBits - SlabBits)
)

type entry[T any] struct {
	value atomic.Pointer[T]
	gen   atomic.Uint32 // odd while the slot is taken, even while it is free
	next  uint32        // link of the free list the slot is on: slot+1, 0 ends it
}

// Table maps handles to values. The zero value is empty and ready. It must not
// be copied.
type Table[T any] struct {
	slabs [MaxSlabs]atomic.Pointer[[SlabSize]entry[T]]

	// A stack of freed slots, which any thread pushes to. It is only taken
	// whole: to pop single slots would be an ABA race.
	freed atomic.Uint32

	mu   sync.Mutex // guards the fields below and growing; never taken by Get or Delete
	free uint32     // slots taken from freed: slot+1, 0 for none
	used uint32     // slots handed out at least once
}

func (t *Table[T]) at(slot uint32) *entry[T] {
	if slab := t.slabs[slot>>SlabBits].Load(); slab != nil {
		return &slab[slot&(SlabSize-1)]
	}
	return nil
}

// Put stores v, which must not be nil, and returns its handle, never 0.
func (t *Table[T]) Put(v *T) uint64 {
	t.mu.Lock()
	slot, e := t.takeSlot()
	t.mu.Unlock()
	// The value is stored before the generation makes the slot valid, and
	// removed after: a reader that reads the same generation twice has read its
	// value.
	e.value.Store(v)
	gen := e.gen.Load() + 1 // ours alone until it is stored
	e.gen.Store(gen)
	return uint64(gen)<<32 | uint64(slot)
}

// takeSlot is a free slot. The caller holds mu.
func (t *Table[T]) takeSlot() (uint32, *entry[T]) {
	if t.free == 0 {
		t.free = t.freed.Swap(0)
	}
	if t.free != 0 {
		slot := t.free - 1
		e := t.at(slot)
		t.free = e.next
		return slot, e
	}
	slot := t.used
	if slot>>SlabBits >= MaxSlabs {
		panic("slots: table is full")
	}
	if slot&(SlabSize-1) == 0 {
		t.slabs[slot>>SlabBits].Store(new([SlabSize]entry[T]))
	}
	t.used++
	return slot, t.at(slot)
}

// Get returns the value of a live handle. It takes no lock. For any other
// number it returns nil.
func (t *Table[T]) Get(handle uint64) *T {
	slot, gen := uint32(handle), uint32(handle>>32)
	if slot>>SlabBits >= MaxSlabs || gen&1 == 0 {
		return nil
	}
	e := t.at(slot)
	if e == nil || e.gen.Load() != gen {
		return nil
	}
	v := e.value.Load()
	if e.gen.Load() != gen {
		return nil // freed, perhaps given away again, between the two loads
	}
	return v
}

// Delete forgets a handle and returns its value, nil if the handle was not live.
// Every later Get of it returns nil. It takes no lock.
func (t *Table[T]) Delete(handle uint64) *T {
	slot, gen := uint32(handle), uint32(handle>>32)
	if slot>>SlabBits >= MaxSlabs || gen&1 == 0 {
		return nil
	}
	e := t.at(slot)
	if e == nil || !e.gen.CompareAndSwap(gen, gen+1) {
		return nil
	}
	v := e.value.Load()
	e.value.Store(nil)
	if gen+1 == 0 {
		return v // its generations are used up: never given out again
	}
	for {
		head := t.freed.Load()
		e.next = head
		if t.freed.CompareAndSwap(head, slot+1) {
			return v
		}
	}
}

// Len is the number of live handles. It looks at every slot: for tests.
func (t *Table[T]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for slot := range t.used {
		if t.at(slot).gen.Load()&1 == 1 {
			n++
		}
	}
	return n
}
