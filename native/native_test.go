package native_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/native"
)

func TestNewObjectHasOneReferenceAndItsMessage(t *testing.T) {
	var lib native.Library
	o := lib.New("hello")
	require.EqualValues(t, 1, o.Refs())
	require.Equal(t, "hello", o.Message())
	require.EqualValues(t, 1, lib.Live())
	o.Release()
	require.Zero(t, lib.Live())
}

func TestIDsAreUniqueAcrossLibrariesAndNeverReused(t *testing.T) {
	var a, b native.Library
	seen := map[uint64]bool{}
	for i := range 1000 {
		lib := &a
		if i%2 == 1 {
			lib = &b
		}
		o := lib.New("")
		require.NotZero(t, o.ID())
		require.False(t, seen[o.ID()], "id %d came twice", o.ID())
		seen[o.ID()] = true
		o.Release()
	}
}

// A header that is given back may belong to another object at once, while a goroutine without a
// reference asks for the number of the first.
func TestWhatIsKnownOfAnObjectRemains(t *testing.T) {
	var lib native.Library
	free := make(chan *native.Header, 1)
	free <- new(native.Header)
	lib.Attach(native.Hooks{
		Header: func(*native.Object) *native.Header { return <-free },
		Free: func(_ *native.Object, h *native.Header) {
			atomic.StoreUint64(&h.ID, 0)
			atomic.StoreUint32(&h.Flags, 0)
			free <- h
		},
	})
	for range 1000 {
		o := lib.New("")
		id, ready := o.ID(), make(chan struct{})
		var asking sync.WaitGroup
		asking.Go(func() {
			close(ready)
			for range 100 {
				if o.ID() != id || o.Library() != &lib {
					t.Errorf("object %d said that it is %d", id, o.ID())
				}
			}
		})
		<-ready
		o.Release()
		asking.Wait()
		require.Equal(t, id, o.ID())
		require.Same(t, &lib, o.Library())
	}
}

func TestAChildUnlocksWhatOtherThreadsHadLocked(t *testing.T) {
	var lib native.Library
	o := lib.New("")
	native.Lock(o)
	memory, size := native.LockMemory()
	clear(unsafe.Slice((*byte)(memory), size))
	o.SetMessage("here")
	require.Equal(t, "here", o.Message())
	o.Release()
	require.Zero(t, lib.Live())
}

func TestAnObjectIsThreeWords(t *testing.T) {
	require.EqualValues(t, 24, unsafe.Sizeof(native.Object{}))
}

func TestToDestroyAnObjectAllocatesNothing(t *testing.T) {
	var lib native.Library
	objects := make([]*native.Object, 1001) // one more than AllocsPerRun says
	for i := range objects {
		objects[i] = lib.New("")
	}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		objects[0].Release()
		objects = objects[1:]
	}))
}

func TestOverReleasePanicsWithTheObjectsName(t *testing.T) {
	var lib native.Library
	o := lib.New("")
	o.Release()
	want := fmt.Sprintf("native: object %d was released after its last reference was released", o.ID())
	require.PanicsWithValue(t, want, o.Release)
	require.Zero(t, lib.Live(), "a refused release must change nothing")
}

func TestEveryUseOfADeadObjectPanics(t *testing.T) {
	var lib native.Library
	o, other := lib.New(""), lib.New("")
	defer other.Release()
	o.Release()
	for name, use := range map[string]func(){
		"Retain":   o.Retain,
		"Message":  func() { o.Message() },
		"Append":   func() { o.Append(other) },
		"AppendTo": func() { other.Append(o) },
		"Remove":   func() { o.Remove(other) },
		"Children": func() { o.Children() },
		"Emit":     func() { o.Emit(1) },
		"Header":   func() { o.Header() },
	} {
		require.Panics(t, use, name)
	}
	require.EqualValues(t, 1, other.Refs(), "a refused edge must not keep a reference")
}

func TestEdgesHoldReferencesDuplicatesIncluded(t *testing.T) {
	var lib native.Library
	parent, child := lib.New("p"), lib.New("c")
	parent.Append(child)
	parent.Append(child)
	require.EqualValues(t, 3, child.Refs())
	got := parent.Children()
	require.Equal(t, []*native.Object{child, child}, got)
	for _, c := range got {
		c.Release()
	}
	require.True(t, parent.Remove(child))
	require.EqualValues(t, 2, child.Refs())
	child.Release()
	require.EqualValues(t, 2, lib.Live(), "the remaining edge keeps the child")
	parent.Release()
	require.Zero(t, lib.Live())
}

func TestRemoveOfWhatIsNotThereChangesNothing(t *testing.T) {
	var lib native.Library
	a, b := lib.New(""), lib.New("")
	require.False(t, a.Remove(b))
	require.EqualValues(t, 1, b.Refs())
	a.Release()
	b.Release()
}

func TestAChainOfAMillionObjectsDiesWithoutRecursion(t *testing.T) {
	var lib native.Library
	head := lib.New("")
	tail := head
	tail.Retain()
	for range 1_000_000 {
		next := lib.New("")
		tail.Append(next)
		tail.Release()
		tail = next
	}
	tail.Release()
	require.EqualValues(t, 1_000_001, lib.Live())
	head.Release()
	require.Zero(t, lib.Live())
}

func TestRetainAndReleaseFromManyGoroutinesBalance(t *testing.T) {
	var lib native.Library
	o := lib.New("")
	var wg sync.WaitGroup
	for range 8 {
		o.Retain()
		wg.Go(func() {
			defer o.Release()
			for range 10_000 {
				o.Retain()
				o.SetMessage("x")
				o.Release()
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, o.Refs())
	o.Release()
	require.Zero(t, lib.Live())
}

func TestExactlyOneReleaseDestroys(t *testing.T) {
	var lib native.Library
	for range 2000 {
		o := lib.New("")
		o.Retain()
		var wg sync.WaitGroup
		wg.Go(o.Release)
		wg.Go(o.Release)
		wg.Wait()
	}
	require.Zero(t, lib.Live())
}

// side is a stand-in for Python: it keeps the references that Release hands over until
// the test has it release them, as a thread with the GIL would.
type side struct {
	mu      sync.Mutex
	waiting []*native.Object
	freed   int
}

func (s *side) attach(lib *native.Library) {
	lib.Attach(native.Hooks{
		Header: func(*native.Object) *native.Header { return new(native.Header) },
		Free:   func(*native.Object, *native.Header) { s.freed++ },
		Release: func(o *native.Object, _ *native.Header) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.waiting = append(s.waiting, o)
		},
		Dispatch: func(_ *native.Object, n int64) (int64, error) { return n * 2, nil },
	})
}

// wrap makes one of the object's references that of a wrapper on the other side.
func wrap(o *native.Object) { atomic.OrInt64(&o.Header().Refs, native.HasWrapper) }

func TestTheLastReferenceBesideAWrapperIsHandedOverNotDropped(t *testing.T) {
	var lib native.Library
	var s side
	s.attach(&lib)
	o := lib.New("") // this reference plays the wrapper's
	o.Retain()
	wrap(o)
	o.Retain()
	o.Release()
	require.Empty(t, s.waiting, "two references beside the wrapper: no notice yet")
	o.Release()
	require.Equal(t, []*native.Object{o}, s.waiting)
	require.EqualValues(t, 2, o.Refs(), "the side owns the reference now")
	atomic.AndInt64(&o.Header().Refs, ^int64(native.HasWrapper))
	o.Release()
	o.Release()
	require.Zero(t, lib.Live())
	require.Equal(t, 1, s.freed)
}

func TestNoSecondReferenceIsHandedOverWhileOneWaits(t *testing.T) {
	for range 500 {
		var lib native.Library
		var s side
		s.attach(&lib)
		o := lib.New("")
		var wg sync.WaitGroup
		for range 4 {
			o.Retain()
		}
		wrap(o)
		for range 4 {
			wg.Go(func() {
				for range rand.IntN(8) {
					o.Retain()
					o.Release()
				}
				o.Release()
			})
		}
		wg.Wait()
		require.Len(t, s.waiting, 1)
		require.EqualValues(t, 2, o.Refs())
	}
}

func TestDisarmedLibraryReleasesWithoutNotice(t *testing.T) {
	var lib native.Library
	var s side
	s.attach(&lib)
	o := lib.New("")
	o.Retain()
	wrap(o)
	lib.Disarm()
	o.Release()
	require.Empty(t, s.waiting)
	require.EqualValues(t, 1, o.Refs())
	n, err := o.Emit(7)
	require.NoError(t, err)
	require.EqualValues(t, 7, n, "a disarmed library answers like a pure Go one")
}

func TestEmitReachesTheOtherSide(t *testing.T) {
	var lib native.Library
	new(side).attach(&lib)
	o := lib.New("")
	defer o.Release()
	n, err := o.Emit(21)
	require.NoError(t, err)
	require.EqualValues(t, 42, n)
}

func TestAttachAfterTheFirstObjectIsRefused(t *testing.T) {
	var lib native.Library
	o := lib.New("")
	defer o.Release()
	require.Panics(t, func() { lib.Attach(native.Hooks{}) })
}

func TestTryRetainFindsOnlyTheLiving(t *testing.T) {
	var lib native.Library
	for range 2000 {
		o := lib.New("")
		var wg sync.WaitGroup
		wg.Go(o.Release)
		wg.Go(func() {
			if o.TryRetain() {
				o.SetMessage("still here")
				o.Release()
			}
		})
		wg.Wait()
		require.False(t, o.TryRetain())
	}
	require.Zero(t, lib.Live())
}

// wrapperOnly is an object whose one reference is its wrapper's.
func wrapperOnly(lib *native.Library) *native.Object {
	o := lib.New("")
	wrap(o)
	return o
}

func TestTheWrappersReferenceIsNotForOthersToTakeOrRelease(t *testing.T) {
	var lib native.Library
	var s side
	s.attach(&lib)
	o := wrapperOnly(&lib)
	want := fmt.Sprintf("object %d: %v", o.ID(), native.ErrWrapperOnly)
	require.PanicsWithValue(t, want, o.Release)
	require.PanicsWithValue(t, want, o.Retain)
	require.ErrorIs(t, o.Acquire(), native.ErrWrapperOnly)
	require.False(t, o.TryRetain())
	require.EqualValues(t, 1, o.Refs(), "what is refused changes nothing")
	require.Empty(t, s.waiting)
	counted := lib.New("")
	atomic.StoreInt64(&counted.Header().Refs, native.CountedElsewhere)
	require.ErrorIs(t, counted.Acquire(), native.ErrWrapperOnly)
}

func TestEdgesBetweenLibrariesAreRefused(t *testing.T) {
	var one, two native.Library
	a, b := one.New(""), two.New("")
	require.PanicsWithValue(t, fmt.Sprintf("object %d: %v", a.ID(), native.ErrOtherLibrary), func() { a.Append(b) })
	require.EqualValues(t, 1, b.Refs())
	require.Empty(t, a.Children())
}

func TestEveryReleaseOfAnObjectCountedElsewhereIsHandedOver(t *testing.T) {
	var lib native.Library
	var s side
	s.attach(&lib)
	o := lib.New("")
	atomic.StoreInt64(&o.Header().Refs, native.CountedElsewhere|100)
	o.Retain()
	require.EqualValues(t, native.CountedElsewhere|101, atomic.LoadInt64(&o.Header().Refs), "Retain adds 1")
	o.Release()
	o.Release()
	require.Len(t, s.waiting, 2)
	require.EqualValues(t, native.CountedElsewhere|101, atomic.LoadInt64(&o.Header().Refs))
}

func TestAReferenceThatBecomesTheLastOneMeanwhileIsHandedOver(t *testing.T) {
	// The count of an object is the same before and after; what changed in
	// between is that it has a wrapper now (ABA). A release that read the word
	// before must not succeed after.
	for range 20_000 {
		var lib native.Library
		var s side
		s.attach(&lib)
		o := lib.New("") // ours
		o.Retain()       // the goroutine's
		var wg sync.WaitGroup
		wg.Go(o.Release)
		o.Retain() // the wrapper's
		wrap(o)
		o.Release() // ours
		wg.Wait()
		require.EqualValues(t, 2, o.Refs(), "the wrapper's and the one handed over")
		require.Len(t, s.waiting, 1)
	}
}

func TestManagedObjectsNeedNoCounting(t *testing.T) {
	var lib native.Library
	parent := lib.NewManaged("parent")
	func() {
		child := lib.NewManaged("child")
		parent.Append(child)
		require.Same(t, child, parent.Children()[0], "an object has one Managed")
	}()
	native.Collect()
	require.EqualValues(t, 2, lib.Live())
	require.Equal(t, "child", parent.Children()[0].Message(), "the edge keeps the child")
	runtime.KeepAlive(parent)
	native.Collect()
	require.Zero(t, lib.Live())
}

func TestAManagedThatWasCollectedIsMadeAnewIfSomebodyCounts(t *testing.T) {
	var lib native.Library
	o := lib.New("counted")
	id := o.Managed().ID()
	native.Collect()
	require.EqualValues(t, 1, o.Refs(), "the pointer's reference is released")
	require.Equal(t, id, o.Managed().ID())
	o.Release()
	require.EqualValues(t, 1, lib.Live(), "nothing is destroyed before Go's collector says so")
	native.Collect()
	require.Zero(t, lib.Live())
}

func TestWhatIsAskedForIsCalledOnceAfterACollection(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var calls atomic.Int64
	native.AfterCollection(func() { calls.Add(1) })
	require.Zero(t, calls.Load(), "not before")
	native.Collect()
	require.EqualValues(t, 1, calls.Load())
	native.Collect()
	require.EqualValues(t, 1, calls.Load())
}

func TestCyclesOfGoPointersToManagedObjectsAreCollected(t *testing.T) {
	var lib native.Library
	type node struct {
		*native.Managed
		next *node
	}
	func() {
		a, b := &node{Managed: lib.NewManaged("")}, &node{Managed: lib.NewManaged("")}
		a.next, b.next = b, a
	}()
	native.Collect()
	require.Zero(t, lib.Live())
}

func TestManagedFromManyGoroutinesIsOne(t *testing.T) {
	for range 200 {
		var lib native.Library
		o := lib.New("")
		var got [8]*native.Managed
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() { got[i] = o.Managed() })
		}
		wg.Wait()
		for _, m := range got {
			require.Same(t, got[0], m)
		}
		o.Release()
		require.EqualValues(t, 1, o.Refs())
	}
}

func TestASpareObjectIsBegunAndEndedByTheOtherSide(t *testing.T) {
	var lib native.Library
	var o *native.Object
	var h *native.Header
	lib.Attach(native.Hooks{Header: func(made *native.Object) *native.Header { o = made; return new(native.Header) }})
	lib.NewSpare(1, func(made *native.Header) { h = made })
	require.EqualValues(t, 1, lib.Live())
	require.ErrorIs(t, o.Acquire(), native.ErrGone, "a spare object has no reference")
	for range 2 {
		h.ID = native.ReserveIDs(1)
		atomic.StoreInt64(&h.Refs, 1)
		require.Equal(t, h.ID, o.ID())
		require.EqualValues(t, 1, o.Refs())
		atomic.StoreInt64(&h.Refs, 0)
	}
	o.Finish()
	require.Zero(t, lib.Live())
	require.Panics(t, o.Retain)
}

func TestReservedNumbersAreNobodyElses(t *testing.T) {
	var lib native.Library
	first := native.ReserveIDs(10)
	require.GreaterOrEqual(t, native.ReserveIDs(1), first+10)
	o := lib.New("")
	defer o.Release()
	require.Greater(t, o.ID(), first+10)
}

func TestTheRestOfALongDestructionMayBeDoneLater(t *testing.T) {
	const children = 5000
	for _, left := range []bool{false, true} {
		for _, what := range []struct {
			name string
			do   func(*native.Object)
			stay int64 // alive while the rest waits, without the children
		}{
			{"Release", (*native.Object).Release, 0},
			{"RemoveAll", (*native.Object).RemoveAll, 1},
		} {
			t.Run(fmt.Sprintf("%s,left=%v", what.name, left), func(t *testing.T) {
				var lib native.Library
				var rests []func()
				lib.Attach(native.Hooks{Long: func(rest func()) bool {
					if left {
						rests = append(rests, rest)
					}
					return left
				}})
				parent := lib.New("")
				for range children {
					child := lib.New("")
					parent.Append(child)
					child.Release()
				}
				what.do(parent)
				if left {
					for n := children - 1000; n > 0; n -= 1000 {
						require.EqualValues(t, n, lib.Live()-what.stay)
						require.Len(t, rests, 1)
						rest := rests[0]
						rests = nil
						rest()
					}
					require.Empty(t, rests)
				}
				require.Equal(t, what.stay, lib.Live())
				if what.stay == 1 {
					parent.Release()
				}
			})
		}
	}
}
