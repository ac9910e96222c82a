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
	"unsafe"
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

// SlabBytes is the memory of a slab's entries.
const SlabBytes = SlabSize * uint64(unsafe.Sizeof(entry[int]{}))

// slab is never freed, but its entries may be: see Trim.
type slab[T any] struct {
	entries atomic.Pointer[[SlabSize]entry[T]]

	// A stack of freed slots, which any thread pushes to: slot+1, and in the high half how
	// many there are. It is only taken whole: to pop single slots would be an ABA race.
	freed atomic.Uint64

	next uint32 // link of the list the slab is on while freed is not empty: slab+1
	gen  uint32 // the newest generation of its slots when the entries were freed
}

// Table maps handles to values. The zero value is empty and ready. It must not
// be copied.
type Table[T any] struct {
	slabs [MaxSlabs]atomic.Pointer[slab[T]]

	// A stack of slabs: slab+1. The thread that pushes the first slot to a slab's freed
	// pushes the slab. It is only taken whole, too.
	freed atomic.Uint32

	mu        sync.Mutex // guards the fields below and growing; never taken by Get or Delete
	ready     uint32     // slabs taken from freed: slab+1, 0 for none
	free      uint32     // slots taken from a slab's freed: slot+1, 0 for none
	next, end uint32     // slots of the newest slab that were never on a list
	made      uint32     // slabs, the empty ones included
	empty     []uint32   // slabs without entries
	puts      uint64
	deletes   uint64 // of slots that are no longer in freed
}

func (t *Table[T]) at(slot uint32) *entry[T] {
	if s := t.slabs[slot>>SlabBits].Load(); s != nil {
		if entries := s.entries.Load(); entries != nil {
			return &entries[slot&(SlabSize-1)]
		}
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
	t.puts++
	if t.free != 0 || t.takeSlab() {
		slot := t.free - 1
		e := t.at(slot)
		t.free = e.next
		return slot, e
	}
	if t.next == t.end {
		t.grow()
	}
	slot := t.next
	t.next++
	return slot, t.at(slot)
}

// takeSlab takes the freed slots of a slab, if there is one that has any. The caller holds mu.
func (t *Table[T]) takeSlab() bool {
	if t.ready == 0 {
		t.ready = t.freed.Swap(0)
	}
	if t.ready == 0 {
		return false
	}
	s := t.slabs[t.ready-1].Load()
	t.ready = s.next // before the slab can be pushed again
	freed := s.freed.Swap(0)
	t.free = uint32(freed)
	t.deletes += freed >> 32
	return true
}

// grow gives an empty slab entries again, or makes another. The caller holds mu.
func (t *Table[T]) grow() {
	number, entries := t.made, new([SlabSize]entry[T])
	switch last := len(t.empty) - 1; {
	case last >= 0:
		number, t.empty = t.empty[last], t.empty[:last]
		for i := range entries {
			entries[i].gen.Store(t.slabs[number].Load().gen)
		}
	case number == MaxSlabs:
		panic("slots: table is full")
	default:
		t.slabs[number].Store(new(slab[T]))
		t.made++
	}
	t.slabs[number].Load().entries.Store(entries)
	t.next = number << SlabBits
	t.end = t.next + SlabSize
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
	s := t.slabs[slot>>SlabBits].Load()
	for {
		head := s.freed.Load()
		e.next = uint32(head)
		if s.freed.CompareAndSwap(head, (head>>32+1)<<32|uint64(slot+1)) {
			if head == 0 {
				t.push(s, slot>>SlabBits)
			}
			return v
		}
	}
}

// push is called by the thread that has pushed the first slot to the slab's freed.
func (t *Table[T]) push(s *slab[T], number uint32) {
	for {
		s.next = t.freed.Load()
		if t.freed.CompareAndSwap(s.next, number+1) {
			return
		}
	}
}

// Counts are the numbers of live handles, of slots that have memory, and of deletions so far. A
// retired slot counts as live.
func (t *Table[T]) Counts() (live, slots int64, deletes uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	deletes = t.deletes
	for number := range t.made {
		deletes += t.slabs[number].Load().freed.Load() >> 32
	}
	return int64(t.puts - deletes), (int64(t.made) - int64(len(t.empty))) << SlabBits, deletes
}

// Len is the number of live handles. It looks at every slot: for tests.
func (t *Table[T]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for slot := range t.made << SlabBits {
		if e := t.at(slot); e != nil && e.gen.Load()&1 == 1 {
			n++
		}
	}
	return n
}

// SetGeneration gives the slot of a live handle another generation, which must be odd, and returns
// the handle with it. For tests of what happens when generations run out.
func (t *Table[T]) SetGeneration(handle uint64, gen uint32) uint64 {
	slot := uint32(handle)
	t.at(slot).gen.Store(gen)
	return uint64(gen)<<32 | uint64(slot)
}
