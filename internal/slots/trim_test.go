package slots

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// last is the last odd generation.
const last = ^uint32(0)

// fill puts values until the table has that many slabs, and returns the handles by slab.
func fill(table *Table[int], slabs int) [][]uint64 {
	handles := make([][]uint64, slabs)
	for range slabs * SlabSize {
		h := table.Put(new(int))
		handles[uint32(h)>>SlabBits] = append(handles[uint32(h)>>SlabBits], h)
	}
	return handles
}

func drop(table *Table[int], handles []uint64) {
	rand.Shuffle(len(handles), func(i, j int) { handles[i], handles[j] = handles[j], handles[i] })
	for _, h := range handles {
		table.Delete(h)
	}
}

// trim is the slabs that went, sorted.
func trim(table *Table[int], least int) []uint32 {
	var gone []uint32
	table.Trim(least, func(number uint32) { gone = append(gone, number) })
	slices.Sort(gone)
	return gone
}

func slotsWithMemory(table *Table[int]) int64 {
	_, n, _ := table.Counts()
	return n
}

func TestTrimFreesSlabsWithoutAValueAndKeepsTheirGenerations(t *testing.T) {
	var table Table[int]
	old := fill(&table, 5)
	kept := old[2][100]
	for i, handles := range old {
		drop(&table, slices.DeleteFunc(slices.Clone(handles), func(h uint64) bool { return h == kept }))
		if i == 2 {
			old[i] = slices.DeleteFunc(handles, func(h uint64) bool { return h == kept })
		}
	}
	require.Equal(t, []uint32{0, 1, 3, 4}, trim(&table, 1))
	require.EqualValues(t, SlabSize, slotsWithMemory(&table))
	require.Empty(t, trim(&table, 1), "once")
	stale := func() {
		for _, h := range slices.Concat(old...) {
			require.Nil(t, table.Get(h))
			require.Nil(t, table.Delete(h))
		}
		require.NotNil(t, table.Get(kept))
	}
	stale()
	seen := map[uint64]bool{}
	for range 5*SlabSize - 1 {
		h := table.Put(new(int))
		require.False(t, seen[h])
		seen[h] = true
		require.NotNil(t, table.Get(h))
	}
	require.EqualValues(t, 5*SlabSize, slotsWithMemory(&table), "the empty slabs are used before others are made")
	require.Equal(t, 5*SlabSize, table.Len())
	stale()
}

func TestTrimLeavesAFewSlabsAndASmallShareOfMany(t *testing.T) {
	var table Table[int]
	handles := fill(&table, 8)
	drop(&table, handles[3])
	require.Empty(t, trim(&table, 1), "an eighth")
	drop(&table, handles[4])
	require.Empty(t, trim(&table, 3), "two")
	require.Equal(t, []uint32{3, 4}, trim(&table, 2))
}

func TestTrimLeavesASlabWhoseSlotsAreBeingGivenOut(t *testing.T) {
	var table Table[int]
	drop(&table, fill(&table, 1)[0])
	h := table.Put(new(int)) // the slots around this one are next
	table.Delete(h)
	require.Empty(t, trim(&table, 1))
	require.Len(t, fill(&table, 1)[0], SlabSize)
}

func TestCountsFollowPutsAndDeletes(t *testing.T) {
	var table Table[int]
	handles := fill(&table, 2)
	drop(&table, handles[0])
	check := func(wantUsed, wantSlots, wantDeletes int64) {
		used, slots, deletes := table.Counts()
		require.Equal(t, []int64{wantUsed, wantSlots, wantDeletes}, []int64{used, slots, deletes})
	}
	check(SlabSize, 2*SlabSize, SlabSize)
	trim(&table, 1)
	check(SlabSize, SlabSize, SlabSize)
	table.Delete(table.Put(new(int)))
	check(SlabSize, 2*SlabSize, SlabSize+1)
	table.Delete(table.SetGeneration(handles[1][0], last))
	check(SlabSize, 2*SlabSize, SlabSize+1) // retired
	require.Equal(t, SlabSize-1, table.Len())
}

// elsewhere has the table's generations in memory that is not the table's. The result zeroes a
// slab's, as the system does with what is given back.
func elsewhere[T any](table *Table[T]) (zero func(uint32)) {
	memory := make([]Generations, 64)
	table.Generations = func(slab uint32) *Generations { return &memory[slab] }
	return func(slab uint32) {
		for i := range memory[slab] {
			memory[slab][i].Store(0)
		}
	}
}

func TestGenerationsElsewhereOutliveTheirMemory(t *testing.T) {
	var table Table[int]
	zero := elsewhere(&table)
	old := fill(&table, 2)
	require.Equal(t, uint32(old[1][5]>>32), table.Generations(1)[uint32(old[1][5])%SlabSize].Load())
	drop(&table, old[0])
	require.Equal(t, 1, table.Trim(1, zero))
	for _, h := range fill(&table, 1)[0] {
		require.NotContains(t, old[0], h)
		require.NotNil(t, table.Get(h))
	}
	for _, h := range old[0] {
		require.Nil(t, table.Get(h))
	}
}

func TestTrimBesideEveryOtherMethod(t *testing.T) {
	t.Run("generations=own", func(t *testing.T) {
		var table Table[uint64]
		trimBeside(t, &table, func(uint32) {})
	})
	t.Run("generations=elsewhere", func(t *testing.T) {
		var table Table[uint64]
		trimBeside(t, &table, elsewhere(&table))
	})
}

func trimBeside(t *testing.T, table *Table[uint64], zero func(uint32)) {
	var workers, trimmer sync.WaitGroup
	done := make(chan struct{})
	var gone int
	trimmer.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				gone += table.Trim(1, zero)
			}
		}
	})
	for range 3 {
		workers.Go(func() {
			var old []uint64
			for range 8 {
				values := make([]uint64, 2*SlabSize)
				handles := make([]uint64, len(values))
				for i := range values {
					handles[i] = table.Put(&values[i])
				}
				for i, h := range handles {
					if table.Get(h) != &values[i] || table.Delete(h) != &values[i] {
						t.Errorf("handle %#x lost its value", h)
					}
				}
				for _, h := range old {
					if table.Get(h) != nil || table.Delete(h) != nil {
						t.Errorf("handle %#x is stale, but finds a value", h)
					}
				}
				old = handles
			}
		})
	}
	workers.Wait()
	close(done)
	trimmer.Wait()
	require.Zero(t, table.Len())
	t.Log(gone, "slabs went meanwhile")
}

func TestASlabWithARetiredSlotStays(t *testing.T) {
	var table Table[int]
	handles := fill(&table, 2)
	h := table.SetGeneration(handles[0][7], last)
	require.NotNil(t, table.Delete(h))
	drop(&table, handles[0])
	drop(&table, handles[1])
	require.Equal(t, []uint32{1}, trim(&table, 1))
}

func TestSlotsOfATrimmedSlabRunOutOfGenerationsTogether(t *testing.T) {
	var table Table[int]
	handles := fill(&table, 1)[0]
	h := table.SetGeneration(handles[7], last-2)
	drop(&table, handles)
	table.Delete(h)
	require.Equal(t, []uint32{0}, trim(&table, 1))
	handles = fill(&table, 1)[0]
	for _, h := range handles {
		require.Equal(t, last, uint32(h>>32), "the last generation of all: an older one may have been another slot's")
	}
	drop(&table, handles)
	require.Empty(t, trim(&table, 1))
	require.Zero(t, table.Len())
	require.Equal(t, uint32(SlabSize), uint32(table.Put(new(int))), "all are retired: another slab")
}
