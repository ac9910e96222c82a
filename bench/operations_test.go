package bench

import (
	"time"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/bench/loops"
)

// operation is one row of the comparison. Its cases are the keys after the
// strategy; most have the one case "".
type operation struct {
	name    string
	cases   []benchCase
	weakref bool // needs wrappers that can be weakly referenced
}

type benchCase struct {
	keys  string // such as "objs=1000"
	run   func(bench, *subject)
	large bool // run only where PP_BENCH_LARGE is set: what it prepares takes seconds
}

// bench is the part of *testing.B that operations use; the tests run each once.
type bench interface {
	require.TestingT
	Helper()
	Loop() bool
	ReportMetric(float64, string)
}

func only(run func(bench, *subject)) []benchCase { return []benchCase{{run: run}} }

// operations in the order of the report. The names are fixed.
var operations = []operation{
	{name: "Create", cases: only(create)},
	{name: "CreateList", cases: []benchCase{
		{keys: "objs=10000", run: createList(10_000)},
		{keys: "objs=100000", run: createList(100_000)},
	}},
	{name: "Replace", cases: []benchCase{{keys: "objs=5000", run: replace(5_000, 10_000)}}},
	{name: "CreateSubclass", cases: only(createSubclass)},
	{name: "WrapLive", cases: only(wrapLive)},
	{name: "WrapDead", cases: only(wrapDead)},
	{name: "WrapFirst", cases: only(wrapFirst)},
	{name: "Unwrap", cases: only(unwrap)},
	{name: "Call", cases: only(call)},
	{name: "CallGo", cases: only(callGo)},
	{name: "RetainRelease", cases: only(retainRelease)},
	{name: "ReleaseZombie", cases: only(releaseZombie)},
	{name: "OffThread", cases: []benchCase{
		{keys: "reference=other", run: retainReleaseOffThread},
		{keys: "reference=last", run: releaseOffThread},
	}},
	{name: "Weakref", weakref: true, cases: []benchCase{
		{keys: "wrapper=live", run: weakrefLive},
		{keys: "wrapper=dead", run: weakrefDead},
	}},
	{name: "GC", cases: []benchCase{
		{keys: "objs=1000", run: collect(1_000)},
		{keys: "objs=100000", run: collect(100_000)},
		{keys: "objs=1000000", run: collect(1_000_000), large: true},
	}},
	{name: "Memory", cases: []benchCase{{keys: "objs=50000", run: memory(50_000)}}},
	{name: "Threads", cases: []benchCase{
		{keys: "threads=1", run: threads(1)},
		{keys: "threads=2", run: threads(2)},
		{keys: "threads=4", run: threads(4)},
	}},
	{name: "Tree", cases: only(tree)},
	{name: "Callbacks", cases: only(callbacks)},
}

// batch is how many operations one round of b.Loop does, all in C. It is large
// beside the two readings of the clock, and small beside the shortest run.
const batch = 1000

// timed runs batches of n operations until b has enough and reports the time of
// one. step returns how long its batch took. Its other work is not in the
// result, but b.Loop counts it.
func timed(b bench, n int, step func() (time.Duration, error)) (operations int) {
	b.Helper()
	var total time.Duration
	for b.Loop() {
		taken, err := step()
		require.NoError(b, err)
		total += taken
		operations += n
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(operations), "ns/op")
	return operations
}

func create(b bench, s *subject) {
	before := s.stats()
	n := timed(b, batch, func() (time.Duration, error) { return loops.Create(s.binding, batch) })
	s.moved(b, before, n, n)
}

func createList(objs int) func(bench, *subject) {
	return func(b bench, s *subject) {
		before := s.stats()
		n := timed(b, objs, func() (time.Duration, error) { return loops.CreateList(s.binding, objs) })
		s.moved(b, before, n, n)
	}
}

func replace(objs, replaced int) func(bench, *subject) {
	return func(b bench, s *subject) {
		s.set(b, "objs", objs)
		s.set(b, "replaced", replaced)
		s.exec(b, "kept = [m.MyClass() for _ in range(objs)]; indices = replacements(objs, replaced)")
		before := s.stats()
		n := timed(b, replaced, func() (time.Duration, error) {
			return loops.Replace(s.binding, s.get("kept"), s.get("indices"))
		})
		s.moved(b, before, n, n)
		require.Equal(b, int64(objs), s.live(b))
	}
}

func createSubclass(b bench, s *subject) {
	s.exec(b, "Sub = type('Sub', (m.MyClass,), {})")
	before := s.stats()
	n := timed(b, batch, func() (time.Duration, error) {
		taken, _, err := loops.Invoke(s.get("Sub"), batch)
		return taken, err
	})
	s.moved(b, before, n, n)
}

func wrapLive(b bench, s *subject) {
	s.exec(b, "obj = m.MyClass(); ref = m.MyClassRef(obj); number = obj.id()")
	before, all := s.stats(), 0
	n := timed(b, batch, func() (time.Duration, error) {
		taken, same, err := loops.Wrap(s.binding, s.get("obj"), s.get("ref"), batch)
		all += same
		return taken, err
	})
	s.holds(b, "ref.get().id() == number")
	if s.declared.Identity {
		require.Equal(b, n, all, "%s: a live wrapper was not given out again", s.name)
		s.moved(b, before, 0, 0)
	}
}

func wrapDead(b bench, s *subject) {
	s.exec(b, "ref, address = dead(m); number = ref.get().id(); ref.get().__dict__.clear()")
	before := s.stats()
	n := timed(b, batch, func() (time.Duration, error) {
		taken, _, err := loops.Wrap(s.binding, s.get("ref"), s.get("ref"), batch)
		return taken, err
	})
	s.returned(b, before, n)
	s.holds(b, "ref.get().id() == number")
}

func wrapFirst(b bench, s *subject) {
	before := s.stats()
	n := timed(b, batch, func() (time.Duration, error) { return loops.WrapFirst(s.binding, batch) })
	s.moved(b, before, n, n)
}

func unwrap(b bench, s *subject) {
	s.exec(b, "obj = m.MyClass(); ref = m.MyClassRef(obj); number = obj.id()")
	before := s.stats()
	timed(b, batch, func() (time.Duration, error) { return loops.Unwrap(s.binding, s.get("obj"), batch) })
	s.moved(b, before, 0, 0)
	s.holds(b, "obj.id() == number == ref.get().id()")
}

func call(b bench, s *subject) {
	s.exec(b, "obj = m.MyClass(); ref = m.MyClassRef(obj); number = obj.id()")
	timed(b, batch, func() (time.Duration, error) { return loops.Call(s.get("obj"), "id", batch) })
	s.holds(b, "obj.id() == number == ref.get().id()")
}

func callGo(b bench, s *subject) {
	s.exec(b, "obj = m.MyClass('a message from Go')")
	timed(b, batch, func() (time.Duration, error) { return loops.Call(s.get("obj"), "message", batch) })
	s.holds(b, "obj.message() == 'a message from Go'")
}

func retainRelease(b bench, s *subject) {
	s.exec(b, "obj = m.MyClass(); number = obj.id()")
	before := s.stats()
	timed(b, batch, func() (time.Duration, error) {
		return loops.RetainRelease(s.binding, s.get("obj"), batch)
	})
	s.moved(b, before, 0, 0)
	s.holds(b, "obj.id() == number")
}

func releaseZombie(b bench, s *subject) {
	before := s.stats()
	n := timed(b, batch, func() (time.Duration, error) { return loops.ReleaseZombie(s.binding, batch) })
	s.moved(b, before, n, n)
}

// A goroutine retains and releases an object that native code holds; then a thread
// with the GIL drains. The floor has Python references only, and takes the GIL for
// each.
func retainReleaseOffThread(b bench, s *subject) {
	held := loops.NewHeld(s.binding, 1)
	defer held.Close()
	require.NoError(b, held.Fill())
	before := s.stats()
	timed(b, batch, func() (time.Duration, error) { return held.RetainReleaseOffThread(batch), nil })
	s.moved(b, before, 0, 0)
	require.Equal(b, int64(1), s.live(b))
}

// A goroutine releases the last native references to objects whose wrappers are
// dead, and a thread with the GIL drains.
func releaseOffThread(b bench, s *subject) {
	before := s.stats()
	n := timed(b, batch, func() (time.Duration, error) {
		held := loops.NewHeld(s.binding, batch)
		if err := held.Fill(); err != nil {
			return 0, err
		}
		return held.CloseOffThread(), nil
	})
	s.moved(b, before, n, n)
}

func weakrefLive(b bench, s *subject) {
	s.exec(b, "import weakref; obj = m.MyClass(); ref = m.MyClassRef(obj); weak = weakref.ref(obj)")
	none := 0
	timed(b, batch, func() (time.Duration, error) {
		taken, nothing, err := loops.Invoke(s.get("weak"), batch)
		none += nothing
		return taken, err
	})
	require.Zero(b, none, "%s: the weak reference to a live wrapper was dead", s.name)
	s.holds(b, "weak() is obj")
}

func weakrefDead(b bench, s *subject) {
	s.exec(b, "import weakref; obj = m.MyClass(); ref = m.MyClassRef(obj); weak = weakref.ref(obj); del obj")
	none := 0
	n := timed(b, batch, func() (time.Duration, error) {
		taken, nothing, err := loops.Invoke(s.get("weak"), batch)
		none += nothing
		return taken, err
	})
	if s.declared.Weakref {
		require.Zero(b, none, "%s: the weak reference did not outlive the wrapper", s.name)
		s.holds(b, "weak() is ref.get()")
	} else {
		require.Equal(b, n, none, "%s: the weak reference outlived the wrapper", s.name)
	}
}

// collect freezes the interpreter's own objects, which are more than the smaller
// number of ours.
func collect(objs int) func(bench, *subject) {
	return func(b bench, s *subject) {
		s.exec(b, "gc.collect(); gc.freeze()")
		defer s.exec(b, "gc.unfreeze()")
		held := loops.NewHeld(s.binding, objs)
		defer held.Close()
		require.NoError(b, held.Fill())
		require.Equal(b, int64(objs), s.live(b))
		timed(b, 1, func() (time.Duration, error) { return s.took("collect") })
		require.Equal(b, int64(objs), s.live(b), "%s: gc took native-held objects", s.name)
	}
}

func threads(n int) func(bench, *subject) {
	const total = 100_000
	return func(b bench, s *subject) {
		s.exec(b, "ref, address = dead(m)")
		s.set(b, "crew", n)
		s.set(b, "total", total)
		s.exec(b, "spell = lambda: contend(ref, crew, total)")
		timed(b, total, func() (time.Duration, error) { return s.took("spell") })
	}
}

func tree(b bench, s *subject) {
	s.exec(b, "root = tree(m); visits = kept = 0")
	s.exec(b, `
def spell():
    global visits, kept
    took, visits, kept = walk(root)
    return took
`)
	const visits = 2 * 1000
	require.Equal(b, int64(visits/2), s.live(b))
	timed(b, visits, func() (time.Duration, error) { return s.took("spell") })
	s.holds(b, "visits == NODES and 0 <= kept <= NODES")
	attributes := s.truth(b, "kept == NODES")
	b.ReportMetric(bit(attributes), "attributes")
	if s.steady() {
		require.True(b, attributes, "%s keeps the wrapper but not its attributes", s.name)
	}
}

// callbacks keeps the wrapper alive, so that every strategy that can reach the
// Python override does, and does the same work. The others are told apart by
// "override": what they call is the base class's method, which is in C.
func callbacks(b bench, s *subject) {
	s.exec(b, "obj = listener(m); ref = m.MyClassRef(obj)")
	const event, few = 3, 200
	var answer int64 = event + 1
	var n int
	if s.lacks["CallGo"] != "" { // there is no Go object to emit an event
		n = timed(b, few, func() (time.Duration, error) { return loops.CallOne(s.get("ref"), "emit", event, few) })
	} else {
		o, err := s.binding.Unwrap(s.get("obj"))
		require.NoError(b, err)
		defer s.binding.Release(o)
		answer, err = o.Emit(event)
		require.NoError(b, err)
		s.exec(b, "obj.total = 0")
		n = timed(b, few, func() (time.Duration, error) {
			start := time.Now()
			for range few {
				if got, err := o.Emit(event); err != nil || got != answer {
					return 0, s.unexpected(err, "on_event answered %d, then %d", answer, got)
				}
			}
			return time.Since(start), nil
		})
	}
	overridden := answer == event+1
	b.ReportMetric(bit(overridden), "override")
	if s.declared.Identity {
		require.True(b, overridden, "%s keeps the wrapper but native code does not find it", s.name)
	}
	if overridden {
		s.set(b, "expected", n*event)
	} else {
		s.set(b, "expected", 0)
	}
	s.holds(b, "obj.total == expected")
}
