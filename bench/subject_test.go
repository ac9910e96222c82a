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

// subject is a strategy, or the floor, while one operation of it is measured:
// its Python module as m in a namespace of its own, with workload.py in it.
type subject struct {
	name     string
	declared strategies.Declaration
	binding  *wrapper.Binding
	ns       cpython.Namespace
}

// on calls f with a subject, and checks afterwards that no native object is left
// over. Needs the GIL.
func on(b bench, strategy strategies.Strategy, f func(*subject)) {
	b.Helper()
	s := &subject{
		declared: strategy.Declaration(),
		binding:  wrapper.Attach(strategy),
		ns:       cpython.NewNamespace(),
	}
	s.name = s.declared.Name
	defer s.ns.Close()
	module, err := s.binding.Module()
	require.NoError(b, err)
	s.ns.Set("m", module)
	cpython.DecRef(module)
	s.exec(b, workload)
	s.exec(b, "before = m.live_objects()")
	f(s)
	s.exec(b, "for name in ('obj', 'ref', 'weak', 'root'): globals().pop(name, None)")
	s.exec(b, "gc.collect()")
	s.holds(b, "m.live_objects() == before")
}

// kept measures what a wrapper that dies and comes back keeps, reports it, and
// compares it with what the strategy says about itself.
func (s *subject) kept(b bench) {
	b.Helper()
	s.exec(b, "identity, weakly = probe(m)")
	identity, err := s.ns.Truth("identity")
	require.NoError(b, err)
	weakref, err := s.ns.Truth("weakly")
	require.NoError(b, err)
	b.ReportMetric(bit(identity), "identity")
	b.ReportMetric(bit(weakref), "weakref")
	require.Equal(b, s.declared.Identity, identity, "identity of %s is not as declared", s.name)
	require.Equal(b, s.declared.Weakref, weakref, "weak references of %s are not as declared", s.name)
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// absent is why the strategy cannot do the operation, "" if it can.
func (s *subject) absent(b bench, op operation) string {
	if s.declared.Floor && op.noFloor != "" {
		return op.noFloor
	}
	if op.weakref {
		can, err := s.ns.Truth("weakrefable(m)")
		require.NoError(b, err)
		if !can {
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
	truth, err := s.ns.Truth(expression)
	require.NoError(b, err, s.name)
	require.True(b, truth, "%s: not true: %s", s.name, expression)
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

// moved checks by how much the counters moved: wrappers made and freed for good,
// and flips, of which there may be any number if that is negative. Wherever
// wrappers end as they began, as many flips go one way as the other. The floor
// counts nothing.
func (s *subject) moved(b bench, before wrapper.Stats, created, freed, flips int) {
	b.Helper()
	if s.declared.Floor {
		return
	}
	now := s.stats()
	require.EqualValues(b, created, now.WrappersCreated-before.WrappersCreated, "%s: wrappers created", s.name)
	require.EqualValues(b, freed, now.WrappersFreed-before.WrappersFreed, "%s: wrappers freed", s.name)
	if flips >= 0 {
		require.EqualValues(b, flips, now.Flips-before.Flips, "%s: flips", s.name)
		require.EqualValues(b, flips, now.Resurrections-before.Resurrections, "%s: resurrections", s.name)
	}
}
