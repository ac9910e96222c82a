package wrapper_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/slots"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
)

// python runs f with the GIL and a namespace in which m is the strategy's module.
func python(t *testing.T, b *wrapper.Binding, f func(n cpython.Namespace)) {
	cpython.WithGIL(func() {
		module, err := b.Module()
		require.NoError(t, err)
		defer cpython.DecRef(module)
		n := cpython.NewNamespace()
		defer n.Close()
		n.Set("m", module)
		f(n)
	})
}

func TestACollectionOfGosGivesMemoryOfAPeakBack(t *testing.T) {
	b := bind(t, "handletable")
	_, before, _ := wrapper.Counts()
	many := make([]*native.Object, 2*wrapper.LeastSlabs*slots.SlabSize)
	var handles []uint64
	for i := range many {
		many[i] = b.Library().New("")
		if i%1000 == 0 {
			handles = append(handles, wrapper.Handle(many[i]))
		}
	}
	_, peak, _ := wrapper.Counts()
	for _, o := range many {
		o.Release()
	}
	require.Eventually(t, func() bool {
		runtime.GC() // one may end before the cleanup of the last one has asked for the next
		_, after, _ := wrapper.Counts()
		return after <= before+(peak-before)/5
	}, 10*time.Second, 10*time.Millisecond)
	refused := func() {
		python(t, b, func(n cpython.Namespace) {
			for _, handle := range handles {
				require.ErrorContains(t, n.Exec(fmt.Sprintf("m.MyClass.from_handle(%d)", handle)), "ReferenceError")
			}
		})
	}
	refused() // though the headers are gone
	for i := range many {
		many[i] = b.Library().New("")
	}
	refused() // and when other objects have the memory
	for _, o := range many {
		require.EqualValues(t, 1, o.Refs())
		o.Release()
	}
}

func TestASlotOutOfGenerationsIsRetiredAndItsHandlesAreRefused(t *testing.T) {
	b := bind(t, "handletable")
	live := b.Live()
	o := b.Library().New("")
	first := wrapper.Handle(o)
	slab := func(handle uint64) uint32 { return uint32(handle) / slots.SlabSize }
	var kept []*native.Object // the last is in o's slab, which is not trimmed then
	for len(kept) == 0 || slab(wrapper.Handle(kept[len(kept)-1])) != slab(first) {
		require.Less(t, len(kept), 200_000)
		kept = append(kept, b.Library().New(""))
	}
	aged := wrapper.SetGeneration(o, 1<<32-5)
	require.Same(t, o, wrapper.Find(aged))
	require.Nil(t, wrapper.Find(first))
	o.Release()
	used, all, _ := wrapper.Counts()
	python(t, b, func(n cpython.Namespace) {
		// The native object of a wrapper whose handle has been read is not reused by C code, so
		// each is destroyed, with the next 32, and its slot given another generation.
		require.NoError(t, n.Exec(fmt.Sprintf("given, free = [%d, %d], %d", first, aged, all-used)))
		require.NoError(t, n.Exec(`
def refused(handle):
    try:
        m.MyClass.from_handle(handle)
    except ReferenceError:
        return True

slot = given[0] % 2**32
for _ in range(4 * free + 20_000):  # each free slot comes before one comes again
    a = m.MyClass()
    assert m.MyClass.from_handle(a.handle()) == a
    if a.handle() % 2**32 == slot:
        given.append(a.handle())
        assert all(map(refused, given[:-1]))
del a
assert [handle >> 32 for handle in given[1:]] == [2**32 - 5, 2**32 - 3, 2**32 - 1], given
given += [slot, slot + 2**32, slot + 2 * 2**32]
assert all(map(refused, given))
`))
	})
	for _, other := range kept {
		other.Release()
	}
	require.Equal(t, live, b.Live())
}

// The objects of a batch are allocated one by one. Allocated as an array, half of them would
// keep it whole.
func TestSurvivorsOfABatchDoNotKeepTheBatch(t *testing.T) {
	b := bind(t, "preserve")
	const objs = 200_000
	python(t, b, func(n cpython.Namespace) {
		require.NoError(t, n.Exec("import gc, random\ngc.collect()"))
		before := goHeap()
		perObject := func(code string) float64 {
			require.NoError(t, n.Exec(code+"\ngc.collect()"))
			return float64(goHeap()-before) / objs
		}
		all := perObject(fmt.Sprintf("held = [m.MyClassRef(m.MyClass()) for _ in range(%d)]\nrandom.Random(1).shuffle(held)", objs))
		half := perObject("del held[len(held) // 2:]")
		few := perObject("del held[len(held) // 16:]")
		none := perObject("del held")
		t.Logf("bytes an object of the peak: %.1f, of a half %.1f, of 1 of 32 %.1f, of none %.1f", all, half, few, none)
		require.Less(t, all, 64.)  // 48 and a slot of 12
		require.Less(t, half, 43.) // 24, the slot, and 16,384 spare objects if they were not destroyed
		require.Less(t, few, 16.)  // the table's slabs
		require.Less(t, none, 3.)
	})
}

func goHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one found unreachable is gone after the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
