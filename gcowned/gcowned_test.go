package gcowned_test

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	_ "pyobject-preservation/gcowned"
	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
	"pyobject-preservation/strategies"
	"pyobject-preservation/strategies/strategytest"
)

func TestMain(m *testing.M) { strategytest.Main(m) }

// collect runs Go's collector up to n times and reports how many it took until
// alive, which is called with the GIL, says that nothing is left.
func collect(b *wrapper.Binding, n int) (runs int, left int64) {
	for runs = 1; ; runs++ {
		runtime.GC()
		// Cleanups run on goroutines of their own, soon.
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			cpython.WithGIL(b.Drain)
			if left = b.Live(); left == 0 {
				return runs, 0
			}
		}
		if runs == n {
			return runs, left
		}
	}
}

// Every object is dropped by Go and by Python, in random order. It must be
// complete while either refers to it, and be destroyed soon after.
func TestAMillionObjectsDroppedInRandomOrder(t *testing.T) {
	count := 1_000_000
	if testing.Short() {
		count = 20_000
	}
	s, _ := strategies.Lookup("gcowned")
	var b *wrapper.Binding
	var space cpython.Namespace
	cpython.WithGIL(func() {
		b = wrapper.Attach(s)
		space = cpython.NewNamespace()
		require.NoError(t, space.Exec("import gc; old = gc.get_threshold(); gc.set_threshold(1)"))
	})
	defer cpython.WithGIL(func() {
		require.NoError(t, space.Exec("gc.set_threshold(*old)"))
		space.Close()
	})
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	require.Zero(t, b.Live())
	before := counters(b)

	pointers := make([]*native.Managed, count)
	wrappers := make([]cpython.Object, count)
	address := make([]cpython.Object, count)
	ids := make([]uint64, count)
	const batch = 1000
	for from := 0; from < count; from += batch {
		cpython.WithGIL(func() {
			for i := from; i < from+batch; i++ {
				pointers[i] = b.Library().NewManaged("")
				ids[i] = pointers[i].ID()
				w, err := b.WrapManaged(pointers[i])
				require.NoError(t, err)
				wrappers[i], address[i] = w, w
			}
		})
	}

	events := rand.New(rand.NewPCG(1, 2)).Perm(2 * count)
	for from := 0; from < len(events); from += batch {
		cpython.WithGIL(func() {
			for _, e := range events[from : from+batch] {
				i, byGo := e/2, e%2 == 0
				switch {
				case byGo:
					pointers[i] = nil
					if w := wrappers[i]; w != nil && e%64 == 0 {
						m, err := b.UnwrapManaged(w)
						require.NoError(t, err, "Python has it: it must be whole")
						require.Equal(t, ids[i], m.ID())
					}
				default:
					cpython.DecRef(wrappers[i])
					wrappers[i] = nil
					if m := pointers[i]; m != nil && e%64 == 1 {
						w, err := b.WrapManaged(m)
						require.NoError(t, err)
						require.Equal(t, address[i], w, "Go has it: the wrapper must come back")
						require.Equal(t, ids[i], m.ID())
						cpython.DecRef(w)
					}
				}
			}
		})
	}

	debug.SetGCPercent(-1)
	runs, left := collect(b, 3)
	require.Zero(t, left, "objects were left after %d Go collections", runs)
	after := counters(b)
	require.EqualValues(t, count, after.WrappersCreated-before.WrappersCreated, "one wrapper an object")
	require.EqualValues(t, count, after.WrappersFreed-before.WrappersFreed)
	t.Logf("%d objects, freed after %d collections", count, runs)
}

func counters(b *wrapper.Binding) (s wrapper.Stats) {
	cpython.WithGIL(func() { s = b.Stats() })
	return s
}

// Resurrection race: a weak reference resurrects a zombie after Go's collector has
// found the pointer unreachable, but before the release is drained.
func TestAWeaklyRevivedWrapperGetsItsObjectBack(t *testing.T) {
	s, _ := strategies.Lookup("gcowned")
	cpython.WithGIL(func() {
		b := wrapper.Attach(s)
		space := cpython.NewNamespace()
		defer space.Close()
		m, err := b.Module()
		require.NoError(t, err)
		space.Set("m", m)
		cpython.DecRef(m)
		require.NoError(t, space.Exec("import weakref; a = m.MyClass('back'); a.x = 1; w = weakref.ref(a)"))

		var id uint64
		func() {
			pointer, err := b.UnwrapManaged(space.Get("a"))
			require.NoError(t, err)
			id = pointer.ID()
			require.NoError(t, space.Exec("del a")) // Go has it: a zombie
			runtime.KeepAlive(pointer)
		}()
		// The release waits in the queue: we have the GIL, and keep it for a while.
		require.NoError(t, space.Exec("import sys; interval = sys.getswitchinterval(); sys.setswitchinterval(1000)"))
		native.Collect()
		require.NoError(t, space.Exec("a = w(); sys.setswitchinterval(interval)"))
		b.Drain()
		whole, err := space.Truth("a is not None and a.x == 1 and a.message() == 'back' and w() is a")
		require.NoError(t, err)
		require.True(t, whole)

		again, err := b.UnwrapManaged(space.Get("a"))
		require.NoError(t, err)
		require.Equal(t, id, again.ID(), "it has its Go object back")
		require.NoError(t, space.Exec("del a"))
		w, err := b.WrapManaged(again)
		require.NoError(t, err)
		space.Set("a", w)
		cpython.DecRef(w)
		same, err := space.Truth("w() is a and a.x == 1")
		require.NoError(t, err)
		require.True(t, same, "and is preserved like any other")
		require.NoError(t, space.Exec("del a"))
		runtime.KeepAlive(again)
		again = nil
		native.Collect()
		b.Drain()
		require.Zero(t, b.Live())
	})
}

// attached gives f the strategy's module as m in a namespace, with the GIL and without Go's
// collections, except those that f asks for. Nothing must be alive at the end.
func attached(t *testing.T, f func(b *wrapper.Binding, space cpython.Namespace)) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	s, _ := strategies.Lookup("gcowned")
	cpython.WithGIL(func() {
		b := wrapper.Attach(s)
		space := cpython.NewNamespace()
		defer space.Close()
		m, err := b.Module()
		require.NoError(t, err)
		space.Set("m", m)
		cpython.DecRef(m)
		f(b, space)
		settle(b)
		require.Zero(t, b.Live())
	})
}

func settle(b *wrapper.Binding) {
	cpython.WithoutGIL(native.Collect)
	b.Drain()
}

// The last MyClassRef is released while the object's reference waits for a collection, and again
// while it does not.
func TestAnObjectIsKeptUntilACollectionAfterItsLastMyClassRef(t *testing.T) {
	attached(t, func(b *wrapper.Binding, space cpython.Namespace) {
		alive := func(times int, why string) {
			b.Drain()
			require.EqualValues(t, times, b.Live(), why)
		}
		require.NoError(t, space.Exec("import weakref; a = m.MyClass(); w = weakref.ref(a); r = m.MyClassRef(a); del a"))
		settle(b)
		alive(1, "it has a MyClassRef")
		for range 3 {
			require.NoError(t, space.Exec("r.release()"))
			alive(1, "Go has not looked")
			require.NoError(t, space.Exec("r = m.MyClassRef(w())"))
		}
		settle(b)
		alive(1, "it has another")
		require.NoError(t, space.Exec("r.release()"))
		alive(1, "Go has not looked")
		settle(b)
		alive(0, "Go has looked")
	})
}

// Threads root and release the same objects while Go's collector runs.
func TestMyClassRefsComeAndGoWhileGoCollects(t *testing.T) {
	attached(t, func(b *wrapper.Binding, space cpython.Namespace) {
		require.NoError(t, space.Exec(`
import random, threading
objects = [m.MyClass() for _ in range(20)]
def use(seed):
    r = random.Random(seed)
    kept = [None] * 10
    for _ in range(20_000):
        kept[r.randrange(10)] = m.MyClassRef(r.choice(objects))
threads = [threading.Thread(target=use, args=(n,)) for n in range(4)]
for t in threads: t.start()
`))
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 200 {
				runtime.GC()
			}
		}()
		require.NoError(t, space.Exec("for t in threads: t.join()"))
		cpython.WithoutGIL(func() { <-done })
		settle(b)
		require.NoError(t, space.Exec("assert m.live_objects() == 20; del objects"))
	})
}
