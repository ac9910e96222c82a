package wrapper_test

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	_ "pyobject-preservation/handletable"
	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/cpython/embed"
	"pyobject-preservation/internal/slots"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
	_ "pyobject-preservation/preserve"
	"pyobject-preservation/strategies"
	"pyobject-preservation/strategies/strategytest"
)

// child, in the environment, makes this binary the process of
// TestDisarmedProcessReleasesInSilence.
const child = "PP_TEST_DISARMED"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		strategytest.Main(m)
	}
	code, err := embed.Run(disarmed)
	if err != nil {
		panic(err)
	}
	os.Exit(code)
}

func TestHeaderLayout(t *testing.T) {
	var h native.Header
	require.Equal(t, []uintptr{
		unsafe.Offsetof(h.Refs), unsafe.Sizeof(h.Refs),
		unsafe.Offsetof(h.ID), unsafe.Sizeof(h.ID),
		unsafe.Offsetof(h.Flags), unsafe.Sizeof(h.Flags),
		unsafe.Offsetof(h.AttachedRefs), unsafe.Sizeof(h.AttachedRefs),
		unsafe.Sizeof(h),
	}, wrapper.HeaderLayout())
	require.LessOrEqual(t, unsafe.Sizeof(h), uintptr(48), "every object has one")
	require.Equal(t, map[string]int64{
		"HasWrapper": native.HasWrapper, "CountedElsewhere": native.CountedElsewhere,
		"HasBody": native.HasBody,
	}, wrapper.HeaderBits())
	headers, size, alignment := wrapper.SlabLayout()
	require.Equal(t, slots.SlabSize, headers)
	require.LessOrEqual(t, size, alignment, "C finds what is beside a header by where its slab begins")
}

// bind returns the binding of a strategy whose module is made.
func bind(t *testing.T, name string) *wrapper.Binding {
	s, ok := strategies.Lookup(name)
	require.True(t, ok)
	b := wrapper.Attach(s)
	cpython.WithGIL(func() {
		module, err := b.Module()
		require.NoError(t, err)
		cpython.DecRef(module)
	})
	return b
}

// zombie makes a native object, whose reference is the caller's, and a wrapper
// that is dead and kept.
func zombie(t *testing.T, b *wrapper.Binding) *native.Object {
	o := b.Library().New("")
	cpython.WithGIL(func() {
		w, err := b.Wrap(o)
		require.NoError(t, err)
		cpython.DecRef(w)
	})
	return o
}

func TestAttachGivesOneBindingAStrategy(t *testing.T) {
	b := bind(t, "preserve")
	require.Same(t, b, wrapper.Attach(b.Strategy()))
	require.NotNil(t, b.Table())
}

func TestObjectsOfAnotherStrategyAreRefused(t *testing.T) {
	b, other := bind(t, "preserve"), bind(t, "naive")
	o := other.Library().New("")
	defer o.Release()
	cpython.WithGIL(func() {
		require.Panics(t, func() { b.Wrap(o) })
		require.Panics(t, func() { b.Release(o) })
	})
	require.EqualValues(t, 1, o.Refs())
}

func TestReleaseOnAGoroutineWaitsForADrain(t *testing.T) {
	b := bind(t, "preserve")
	o := zombie(t, b)
	live := b.Live()
	cpython.WithGIL(func() {
		drained := b.Stats().Drained
		released := make(chan struct{})
		go func() {
			defer close(released)
			o.Release()
		}()
		<-released
		require.Equal(t, live, b.Live(), "nothing may die without the GIL")
		require.EqualValues(t, 2, o.Refs(), "the queue owns the reference now")
		b.Drain()
		require.Equal(t, live-1, b.Live())
		require.Equal(t, drained+1, b.Stats().Drained)
	})
}

func TestAQueuedObjectThatComesBackToLifeLosesOnlyTheQueuedReference(t *testing.T) {
	b := bind(t, "preserve")
	o := zombie(t, b)
	cpython.WithGIL(func() {
		o.Release()         // with the GIL, so that the queue's thread has to wait
		w, err := b.Wrap(o) // a stale pointer, alive by the queue's reference
		require.NoError(t, err)
		o.Retain()
		b.Drain()
		require.EqualValues(t, 2, o.Refs(), "the wrapper's and ours")
		cpython.DecRef(w)
		b.Release(o)
	})
}

func TestMakingAnObjectDrains(t *testing.T) {
	b := bind(t, "preserve")
	o := zombie(t, b)
	live := b.Live()
	o.Release()
	cpython.WithGIL(func() {
		module, err := b.Module()
		require.NoError(t, err)
		defer cpython.DecRef(module)
		n := cpython.NewNamespace()
		defer n.Close()
		n.Set("m", module)
		require.NoError(t, n.Exec("a = m.MyClass()"))
		require.Equal(t, live, b.Live(), "one came, the queued one went")
	})
}

func TestAReleaseInADrainIsDrainedByIt(t *testing.T) {
	b := bind(t, "preserve")
	cpython.WithGIL(func() {
		module, err := b.Module()
		require.NoError(t, err)
		defer cpython.DecRef(module)
		n := cpython.NewNamespace()
		defer n.Close()
		n.Set("m", module)
		live := b.Live()
		// The real death of each releases the next, on a goroutine, while the
		// queue is being drained.
		require.NoError(t, n.Exec(`
class Link(m.MyClass):
    next = None
    def __del__(self):
        deaths.append(self.number)
        if self.next:
            self.next.release_from_goroutine()
deaths = []
ref = None
for number in range(1000):
    link = Link()
    link.number = number
    link.next = ref
    ref = m.MyClassRef(link)
del link
ref.release_from_goroutine()
m.settle()
`))
		dead, err := n.Truth("deaths == list(reversed(range(1000)))")
		require.NoError(t, err)
		require.True(t, dead)
		require.Equal(t, live, b.Live())
	})
}

func TestAStormOfReleasesIsDrainedWhole(t *testing.T) {
	b := bind(t, "preserve")
	live := b.Live()
	var all sync.WaitGroup
	for range 20 {
		storm := make([]*native.Object, 500)
		for i := range storm {
			storm[i] = zombie(t, b)
		}
		all.Go(func() {
			for _, o := range storm {
				o.Release()
			}
		})
	}
	all.Wait()
	cpython.WithGIL(b.Drain)
	require.Equal(t, live, b.Live())
}

// Disarm is final and for the whole process, so this runs in one of its own.
func TestDisarmedProcessReleasesInSilence(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, string(out), "no message, no warning")
}

func disarmed() int {
	s, _ := strategies.Lookup("preserve")
	b := wrapper.Attach(s)
	var o, fresh *native.Object
	cpython.WithGIL(func() {
		module, err := b.Module()
		must(err == nil, "the module cannot be made")
		cpython.DecRef(module)
		o = b.Library().New("")
		w, err := b.Wrap(o)
		must(err == nil, "the object cannot be wrapped")
		cpython.DecRef(w)
	})
	wrapper.Disarm()
	o.Retain()
	o.Release()
	o.Release()
	must(o.Refs() == 1, "the wrapper's own reference leaks with it")
	fresh = b.Library().New("made after")
	answer, err := fresh.Emit(3)
	must(answer == 3 && err == nil, "an event must not reach for Python")
	fresh.Release()
	must(b.Live() == 1, "only what the leaked wrapper holds is left")
	wrapper.Disarm() // once more changes nothing
	return 0
}

func must(ok bool, text string) {
	if !ok {
		panic(text)
	}
}

// Up to CPython 3.11 Py_AddPendingCall looks at the state of whatever thread has the
// GIL, which may be freed meanwhile (use after free); so we must not call it without the GIL.
func TestReleasesWhileThreadStatesComeAndGo(t *testing.T) {
	b := bind(t, "preserve")
	live := b.Live()
	var stop atomic.Bool
	var others, all sync.WaitGroup
	for range 3 {
		others.Go(func() {
			for !stop.Load() {
				cpython.WithGIL(func() {}) // a thread state is made, and freed again
			}
		})
	}
	for range 3 {
		storm := make([]*native.Object, 3000)
		for i := range storm {
			storm[i] = zombie(t, b)
		}
		all.Go(func() {
			for _, o := range storm {
				o.Release()
				cpython.WithGIL(b.Drain) // so that the next one asks for a drain again
			}
		})
	}
	all.Wait()
	stop.Store(true)
	others.Wait()
	cpython.WithGIL(b.Drain)
	require.Equal(t, live, b.Live())
}

// TestErrorsOfHandlersAreToldWithoutTheGIL also runs after a subinterpreter:
// PyGILState_Check then returns 1 on every thread.
func TestErrorsOfHandlersAreToldWithoutTheGIL(t *testing.T) {
	b := bind(t, "preserve")
	var o *native.Object
	var names cpython.Namespace
	emit := func() error {
		result := make(chan error)
		go func() {
			_, err := o.Emit(1)
			result <- err
		}()
		return <-result
	}
	cpython.WithGIL(func() {
		module, err := b.Module()
		require.NoError(t, err)
		defer cpython.DecRef(module)
		names = cpython.NewNamespace()
		names.Set("m", module)
		require.NoError(t, names.Exec("class Sub(m.MyClass):\n def on_event(self, n): raise KeyError('mine')\na = Sub()"))
		o, err = b.Unwrap(names.Get("a"))
		require.NoError(t, err)
	})
	require.ErrorContains(t, emit(), "mine")
	cpython.WithGIL(func() {
		require.NoError(t, names.Exec(`
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
interpreters.destroy(interpreters.create())
`))
	})
	require.ErrorContains(t, emit(), "mine")
	o.Release()
	cpython.WithGIL(names.Close)
}

// An object that no Go code has seen is begun again by C; one that Go code has seen is not.
func TestOnlyObjectsThatGoHasNotSeenAreReused(t *testing.T) {
	b := bind(t, "preserve")
	cpython.WithGIL(func() {
		module, err := b.Module()
		require.NoError(t, err)
		defer cpython.DecRef(module)
		n := cpython.NewNamespace()
		defer n.Close()
		n.Set("m", module)
		unwrap := func() *native.Object {
			o, err := b.Unwrap(n.Get("a"))
			require.NoError(t, err)
			return o
		}
		require.NoError(t, n.Exec("a = m.MyClass()"))
		seen := unwrap()
		id := seen.ID()
		require.NotZero(t, id)
		b.Release(seen)
		require.NoError(t, n.Exec("a = m.MyClass()")) // the first is dead
		require.PanicsWithValue(t, fmt.Sprintf("native: object %d was retained after its last reference was released", id), seen.Retain)
		require.NoError(t, n.Exec("for _ in range(100): a = m.MyClass()"))
		other := unwrap()
		defer b.Release(other)
		require.NotSame(t, seen, other)
		require.Greater(t, other.ID(), id+100, "100 objects have been begun with one Go object or two")
		require.Equal(t, id, seen.ID(), "the number is valid when the object is gone")
	})
}

func TestAnObjectThatGoHasMadeIsNotReused(t *testing.T) {
	b := bind(t, "preserve")
	cpython.WithGIL(func() {
		o := b.Library().New("")
		id := o.ID()
		w, err := b.Wrap(o)
		require.NoError(t, err)
		b.Release(o)
		cpython.DecRef(w)
		module, _ := b.Module()
		defer cpython.DecRef(module)
		n := cpython.NewNamespace()
		defer n.Close()
		n.Set("m", module)
		require.NoError(t, n.Exec("many = [m.MyClass() for _ in range(100)]"))
		require.Equal(t, id, o.ID())
		require.Panics(t, o.Retain)
	})
}
