package slots

import "math/bits"

// Trim frees the memory of slabs of which every slot is free, if there are at least that many of
// them and they are a quarter of all: so it costs no more than filling them did, however often it
// is called. gone is called with the number of each, and Put uses none of them before Trim returns.
// The result is how many there were.
//
// It may run beside every other method. Put takes slots only from listed words, and Delete does not
// touch an entry once its slot's bit is set. So nothing writes to a slab that takeUnused has
// returned. No handle to it is live, and Get and Delete refuse them all, whether they still find
// its entries or not.
func (t *Table[T]) Trim(least int, gone func(number uint32)) int {
	unused := t.takeUnused(least)
	for _, number := range unused {
		s := t.slabs[number].Load()
		s.values.Store(nil)
		gens := s.gens.Swap(nil)
		for i := range gens {
			s.gen = max(s.gen, gens[i].Load())
		}
		gone(number)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.empty = append(t.empty, unused...)
	return len(unused)
}

// takeUnused takes the slabs of which every slot is free off the lists, if that is worthwhile.
func (t *Table[T]) takeUnused(least int) []uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var words, unused []uint32
	free := make([]int, t.made)
	for _, list := range [...]uint32{t.ready, t.freed.Swap(0)} {
		for list != 0 {
			number, i := (list-1)/slabWords, (list-1)%slabWords
			s := t.slabs[number].Load()
			words = append(words, list-1)
			free[number] += bits.OnesCount64(s.free[i].Load())
			list = s.next[i]
		}
	}
	for number, n := range free {
		if n == SlabSize {
			unused = append(unused, uint32(number))
		}
	}
	if len(unused) < least || len(unused) < (int(t.made)-len(t.empty))/4 {
		unused, free = nil, make([]int, t.made)
	}
	t.ready = 0
	for _, word := range words {
		s := t.slabs[word/slabWords].Load()
		if free[word/slabWords] == SlabSize {
			s.free[word%slabWords].Store(0)
		} else {
			s.next[word%slabWords] = t.ready
			t.ready = word + 1
		}
	}
	return unused
}
