package bench

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/bench/loops"
	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/strategies"
)

//go:embed workload.py
var workload string

// subject is a strategy, or a reference, while one operation of it is measured:
// its Python module as m in a namespace of its own, with workload.py in it.
type subject struct {
	name     string
	declared strategies.Declaration
	lacks    map[string]string // operations that it does not have
	counters bool              // it has stats()
	binding  *wrapper.Binding
	ns       cpython.Namespace
}

// on calls f with a subject, and checks afterwards that no native object is left
// over. Needs the GIL.
func on(b bench, strategy strategies.Reference, f func(*subject)) {
	b.Helper()
	s := &subject{
		declared: strategy.Declaration().On(cpython.BuiltFor()),
		lacks:    strategy.Lacks,
		binding:  wrapper.Attach(strategy.Strategy),
		ns:       cpython.NewNamespace(),
	}
	s.name = s.declared.Name
	defer s.ns.Close()
	module, err := s.binding.Module()
	require.NoError(b, err)
	s.ns.Set("m", module)
	cpython.DecRef(module)
	s.exec(b, workload)
	s.exec(b, "getattr(m, 'settle', int)(); before = m.live_objects()")
	s.counters = s.truth(b, "hasattr(m, 'stats')")
	f(s)
	s.exec(b, "for name in ('obj', 'ref', 'weak', 'root', 'kept', 'Sub'): globals().pop(name, None)")
	s.exec(b, "getattr(m, 'settle', int)(); gc.collect()")
	s.holds(b, "m.live_objects() == before")
}

// kept measures what a wrapper keeps over deaths, and reports what it keeps over
// any number of them. What it keeps over one must be what the strategy declares; a
// strategy that loses it later must declare that I3 breaks.
func (s *subject) kept(b bench) {
	b.Helper()
	s.exec(b, "identity_once, weakref_once, identity, weakly = probe(m)")
	b.ReportMetric(bit(s.truth(b, "identity")), "identity")
	b.ReportMetric(bit(s.truth(b, "weakly")), "weakref")
	require.Equal(b, s.declared.Identity, s.truth(b, "identity_once"), "identity of %s is not as declared", s.name)
	require.Equal(b, s.declared.Weakref, s.truth(b, "weakref_once"), "weak references of %s are not as declared", s.name)
	if s.truth(b, "(identity, weakly) != (identity_once, weakref_once)") {
		require.Contains(b, s.declared.Breaks, "I3", "%s keeps the wrapper once only", s.name)
	}
}

// steady is whether the wrapper is the same after any number of deaths.
func (s *subject) steady() bool {
	_, once := s.declared.Breaks["I3"]
	return s.declared.Identity && !once
}

func (s *subject) truth(b bench, expression string) bool {
	b.Helper()
	truth, err := s.ns.Truth(expression)
	require.NoError(b, err, s.name)
	return truth
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// absent is the reason why the strategy cannot do the operation, or "".
func (s *subject) absent(b bench, op operation) string {
	if why := s.lacks[op.name]; why != "" {
		return why
	}
	if op.weakref {
		if !s.truth(b, "weakrefable(m)") {
			return "its wrappers cannot be weakly referenced"
		}
	}
	return ""
}

func (s *subject) exec(b bench, source string) {
	b.Helper()
	require.NoError(b, s.ns.Exec(source), s.name)
}

// holds fails b unless the expression is true.
func (s *subject) holds(b bench, expression string) {
	b.Helper()
	require.True(b, s.truth(b, expression), "%s: not true: %s", s.name, expression)
}

// get is a borrowed reference to a global of the namespace.
func (s *subject) get(name string) cpython.Object { return s.ns.Get(name) }

func (s *subject) set(b bench, name string, value int) {
	s.exec(b, fmt.Sprintf("%s = %d", name, value))
}

// took calls a global function that returns nanoseconds.
func (s *subject) took(name string) (time.Duration, error) {
	ns, err := loops.Int(s.get(name))
	return time.Duration(ns), err
}

// live is how many native objects there are beyond those that were there before.
func (s *subject) live(b bench) int64 {
	s.exec(b, "alive = lambda: m.live_objects() - before")
	n, err := loops.Int(s.get("alive"))
	require.NoError(b, err)
	return n
}

func (s *subject) unexpected(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fmt.Errorf(s.name+": "+format, args...)
}

func (s *subject) stats() wrapper.Stats { return s.binding.Stats() }

// moved checks the differences of two counters: wrappers created and freed.
// The floor has no counters.
func (s *subject) moved(b bench, before wrapper.Stats, created, freed int) {
	b.Helper()
	if !s.counters {
		return
	}
	now := s.stats()
	require.EqualValues(b, created, now.WrappersCreated-before.WrappersCreated, "%s: wrappers created", s.name)
	require.EqualValues(b, freed, now.WrappersFreed-before.WrappersFreed, "%s: wrappers freed", s.name)
}

// returned checks the counters after n wraps of an object whose wrapper was dead
// each time. A strategy that keeps its wrappers has made none. For any other,
// each wrap brought the old one back or made one, which has died since; the last
// of them may still be a zombie.
func (s *subject) returned(b bench, before wrapper.Stats, n int) {
	b.Helper()
	if s.steady() {
		s.moved(b, before, 0, 0)
		return
	}
	now := s.stats()
	created := now.WrappersCreated - before.WrappersCreated
	require.LessOrEqual(b, created, int64(n), "%s: wrappers created", s.name)
	require.GreaterOrEqual(b, created+now.Resurrections-before.Resurrections, int64(n), "%s: wrappers created or resurrected", s.name)
	require.InDelta(b, created, now.WrappersFreed-before.WrappersFreed, 1, "%s: wrappers freed", s.name)
}
