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
	"math/bits"
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

// Generations are those of a slab's slots. One is odd while its slot is taken, and even while it
// is free.
type Generations [SlabSize]atomic.Uint32

type values[T any] [SlabSize]atomic.Pointer[T]

// SlabBytes is the memory of a slab's values.
const SlabBytes = int64(unsafe.Sizeof(values[int]{}))

const slabWords = SlabSize / 64

// slab is never freed, but its entries, the two arrays, may be: see Trim.
type slab[T any] struct {
	values atomic.Pointer[values[T]] // nil without entries
	gens   atomic.Pointer[Generations]
	gen    uint32 // the newest generation of its slots when the entries were last freed

	// The free slots, a bit each. Any thread sets bits; they are taken a word at a time. A word
	// is on one of the table's lists while it is not zero, linked by next: word+1, 0 ends it.
	free [slabWords]atomic.Uint64
	next [slabWords]uint32
}

// Table maps handles to values. The zero value is empty and ready. It must not
// be copied.
type Table[T any] struct {
	// Generations, if not nil, supplies the memory of a slab's generations: so C code can compare
	// them. It is called each time the slab gets entries, and must return the same memory each
	// time, zeroed at first. It must not call the table. Without it they are on the Go heap.
	Generations func(slab uint32) *Generations

	slabs [MaxSlabs]atomic.Pointer[slab[T]]

	// A stack of words that have free slots. The thread that sets a word's first bit pushes
	// it. It is only taken whole: to pop single words would be an ABA race.
	freed atomic.Uint32

	mu    sync.Mutex // guards the fields below and growing; never taken by Get or Delete
	ready uint32     // words taken from freed
	word  uint32     // the word that slots are handed out from
	bits  uint64     // what is left of it
	made  uint32     // slabs, those without entries included
	empty []uint32   // slabs without entries
	puts  uint64
}

// at is the slab of a slot, and its entries; nil if there are none.
func (t *Table[T]) at(slot uint32) (*slab[T], *values[T], *Generations) {
	if s := t.slabs[slot>>SlabBits].Load(); s != nil {
		if v, gens := s.values.Load(), s.gens.Load(); v != nil && gens != nil {
			return s, v, gens
		}
	}
	return nil, nil, nil
}

// Put stores v, which must not be nil, and returns its handle, never 0.
func (t *Table[T]) Put(v *T) uint64 {
	t.mu.Lock()
	slot := t.takeSlot()
	t.mu.Unlock()
	_, values, gens := t.at(slot)
	i := slot & (SlabSize - 1)
	// The value is stored before the generation makes the slot valid, and
	// removed after: a reader that reads the same generation twice has read its
	// value.
	values[i].Store(v)
	gen := gens[i].Load() + 1 // ours alone until it is stored
	gens[i].Store(gen)
	return uint64(gen)<<32 | uint64(slot)
}

// takeSlot is a free slot. The caller holds mu.
func (t *Table[T]) takeSlot() uint32 {
	if t.bits == 0 {
		t.takeWord()
	}
	slot := t.word<<6 | uint32(bits.TrailingZeros64(t.bits))
	t.bits &= t.bits - 1
	t.puts++
	return slot
}

// takeWord takes the free slots of a word. The caller holds mu.
func (t *Table[T]) takeWord() {
	if t.ready == 0 {
		t.ready = t.freed.Swap(0)
	}
	if t.ready == 0 {
		t.grow()
	}
	t.word = t.ready - 1
	s := t.slabs[t.word/slabWords].Load()
	t.ready = s.next[t.word%slabWords] // before the word can be pushed again
	t.bits = s.free[t.word%slabWords].Swap(0)
}

// grow makes a slab, or gives an empty one entries again. The caller holds mu.
func (t *Table[T]) grow() {
	number := t.made
	if last := len(t.empty) - 1; last >= 0 {
		number, t.empty = t.empty[last], t.empty[:last]
	} else if number == MaxSlabs {
		panic("slots: table is full")
	} else {
		t.slabs[number].Store(new(slab[T]))
		t.made++
	}
	s, gens := t.slabs[number].Load(), t.generations(number)
	if s.gen != 0 {
		for i := range gens {
			gens[i].Store(s.gen)
		}
	}
	s.gens.Store(gens)
	s.values.Store(new(values[T]))
	for i := uint32(slabWords); i > 0; i-- {
		s.free[i-1].Store(^uint64(0))
		s.next[i-1] = t.ready
		t.ready = number*slabWords + i
	}
}

func (t *Table[T]) generations(slab uint32) *Generations {
	if t.Generations != nil {
		return t.Generations(slab)
	}
	return new(Generations)
}

// Get returns the value of a live handle. It takes no lock. For any other
// number it returns nil.
func (t *Table[T]) Get(handle uint64) *T {
	slot, gen := uint32(handle), uint32(handle>>32)
	if slot>>SlabBits >= MaxSlabs || gen&1 == 0 {
		return nil
	}
	_, values, gens := t.at(slot)
	i := slot & (SlabSize - 1)
	if values == nil || gens[i].Load() != gen {
		return nil
	}
	v := values[i].Load()
	if gens[i].Load() != gen {
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
	s, values, gens := t.at(slot)
	i := slot & (SlabSize - 1)
	if values == nil || !gens[i].CompareAndSwap(gen, gen+1) {
		return nil
	}
	v := values[i].Load()
	values[i].Store(nil)
	if gen+1 == 0 {
		return v // its generations are used up: never given out again
	}
	if s.free[i/64].Or(1<<(i%64)) == 0 {
		t.push(s, slot/64)
	}
	return v
}

func (t *Table[T]) push(s *slab[T], word uint32) {
	for {
		head := t.freed.Load()
		s.next[word%slabWords] = head
		if t.freed.CompareAndSwap(head, word+1) {
			return
		}
	}
}

// Counts are the numbers of slots in use, of slots that have memory, and of deletions so far. A
// slot that is retired is in use for ever.
func (t *Table[T]) Counts() (used, slots, deletes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slots = (int64(t.made) - int64(len(t.empty))) << SlabBits
	used = slots - int64(bits.OnesCount64(t.bits))
	for number := range t.made {
		s := t.slabs[number].Load()
		for i := range s.free {
			used -= int64(bits.OnesCount64(s.free[i].Load()))
		}
	}
	return used, slots, int64(t.puts) - used
}

// Len is the number of live handles. It looks at every slot: for tests.
func (t *Table[T]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for number := range t.made {
		if _, values, gens := t.at(number << SlabBits); values != nil {
			for i := range gens {
				n += int(gens[i].Load() & 1)
			}
		}
	}
	return n
}

// SetGeneration gives the slot of a live handle another generation, which must be odd, and returns
// the handle with it. For tests of what happens when generations run out.
func (t *Table[T]) SetGeneration(handle uint64, gen uint32) uint64 {
	slot := uint32(handle)
	_, _, gens := t.at(slot)
	gens[slot&(SlabSize-1)].Store(gen)
	return uint64(gen)<<32 | uint64(slot)
}
