package slots

// Trim frees the memory of slabs of which every slot is free, if there are at least that many of
// them and they are a quarter of all: so it costs no more than filling them did, however often it
// is called. gone is called with the number of each, and Put uses none of them before Trim returns.
// The result is how many there were.
//
// It may run beside every other method. A slab all of whose slots are in freed has no live handle;
// Put takes slots only of slabs that are on a list, and Delete does not touch an entry once its
// slot is in freed. So nothing writes to a slab that takeUnused has taken off its list, and Get and
// Delete refuse all handles to it, whether they find the old entries or none.
func (t *Table[T]) Trim(atLeast int, gone func(number uint32)) int {
	unused := t.takeUnused(atLeast)
	for _, number := range unused {
		s := t.slabs[number].Load()
		entries := s.entries.Swap(nil)
		for i := range entries {
			s.gen = max(s.gen, entries[i].gen.Load())
		}
		gone(number)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.empty = append(t.empty, unused...)
	return len(unused)
}

// takeUnused takes the slabs of which every slot is free off their list, if that is worthwhile.
func (t *Table[T]) takeUnused(atLeast int) []uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var unused, others []uint32
	for _, list := range [...]uint32{t.ready, t.freed.Swap(0)} {
		for list != 0 {
			s := t.slabs[list-1].Load()
			if s.freed.Load()>>32 == SlabSize {
				unused = append(unused, list-1)
			} else {
				others = append(others, list-1)
			}
			list = s.next
		}
	}
	if len(unused) < atLeast || len(unused) < (int(t.made)-len(t.empty))/4 {
		others, unused = append(others, unused...), nil
	}
	for _, number := range unused {
		t.slabs[number].Load().freed.Store(0)
		t.deletes += SlabSize
	}
	t.ready = 0
	for _, number := range others {
		t.slabs[number].Load().next = t.ready
		t.ready = number + 1
	}
	return unused
}
