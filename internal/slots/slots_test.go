package slots

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHandleFindsItsValueUntilDeleted(t *testing.T) {
	var table Table[int]
	v := 7
	h := table.Put(&v)
	require.NotZero(t, h)
	require.Same(t, &v, table.Get(h))
	require.Same(t, &v, table.Delete(h))
	require.Nil(t, table.Get(h))
	require.Nil(t, table.Delete(h), "a second Delete finds nothing")
	require.Zero(t, table.Len())
}

// putInto puts values until one has the slot.
func putInto(table *Table[int], slot uint32, v *int) uint64 {
	for {
		h := table.Put(v)
		if uint32(h) == slot {
			return h
		}
		table.Delete(h)
	}
}

func TestReusedSlotDoesNotAnswerToTheOldHandle(t *testing.T) {
	var table Table[int]
	a, b := 1, 2
	old := table.Put(&a)
	table.Delete(old)
	fresh := putInto(&table, uint32(old), &b)
	require.NotEqual(t, old, fresh)
	require.Nil(t, table.Get(old))
	require.Same(t, &b, table.Get(fresh))
}

func TestForeignHandlesAreRefused(t *testing.T) {
	var table Table[int]
	v := 1
	h := table.Put(&v)
	for _, bad := range []uint64{0, 1, ^uint64(0), h + 1, h ^ 1<<32, h + 2<<32, 1<<32 | SlabSize, 1 << 63} {
		require.Nil(t, table.Get(bad), "%#x", bad)
		require.Nil(t, table.Delete(bad), "%#x", bad)
	}
	require.Same(t, &v, table.Get(h))
}

func TestSlotWhoseGenerationsAreUsedUpIsRetired(t *testing.T) {
	var table Table[int]
	first := table.Put(new(int))
	slot := uint32(first)
	handle := table.SetGeneration(first, last-4)
	given := []uint64{first}
	for gen := last - 4; ; gen += 2 { // what is left of the slot's generations
		require.Equal(t, gen, uint32(handle>>32))
		require.Equal(t, 1, table.Len())
		require.NotNil(t, table.Get(handle))
		require.NotNil(t, table.Delete(handle))
		given = append(given, handle)
		for _, stale := range given {
			require.Nil(t, table.Get(stale))
			require.Nil(t, table.Delete(stale))
		}
		require.Zero(t, table.Len())
		if gen == last {
			break
		}
		handle = putInto(&table, slot, new(int))
	}
	for range 2 * SlabSize {
		require.NotEqual(t, slot, uint32(table.Put(new(int))), "the slot must not start over at generation 1")
	}
	require.Equal(t, 2*SlabSize, table.Len())
	for _, stale := range append(given, uint64(slot), 1<<32|uint64(slot)) {
		require.Nil(t, table.Get(stale))
		require.Nil(t, table.Delete(stale))
	}
}

func TestEveryHandleAcrossSlabsIsDistinctAndFound(t *testing.T) {
	var table Table[int]
	values := make([]int, 3*SlabSize+5)
	seen := map[uint64]*int{}
	for i := range values {
		seen[table.Put(&values[i])] = &values[i]
	}
	require.Len(t, seen, len(values))
	for h, v := range seen {
		require.Same(t, v, table.Get(h))
	}
}

func TestConcurrentReadersNeverSeeAnotherHandlesValue(t *testing.T) {
	var table Table[uint64]
	var wg sync.WaitGroup
	shared := make(chan uint64, 64)
	for range 4 {
		wg.Go(func() {
			for range 20_000 {
				v := rand.Uint64()
				h := table.Put(&v)
				select {
				case shared <- h:
				default:
				}
				if got := table.Get(h); got == nil || *got != v {
					t.Errorf("handle %#x lost its value", h)
				}
				select {
				case other := <-shared:
					table.Get(other) // live or stale, never a crash
				default:
				}
				if table.Delete(h) != &v || table.Get(h) != nil {
					t.Errorf("handle %#x did not die", h)
				}
			}
		})
	}
	wg.Wait()
	require.Zero(t, table.Len())
}

func FuzzForeignHandles(f *testing.F) {
	var table Table[int]
	v := 1
	h := table.Put(&v)
	f.Add(h)
	f.Add(uint64(0))
	f.Add(^uint64(0))
	f.Fuzz(func(t *testing.T, handle uint64) {
		if got := table.Get(handle); (got != nil) != (handle == h) {
			t.Errorf("Get(%#x) = %v", handle, got)
		}
	})
}
