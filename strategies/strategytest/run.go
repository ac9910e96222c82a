package strategytest

import (
	"fmt"
	"os"
	"testing"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/cpython/embed"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/strategies"

	// Other strategies' wrappers, which a strategy must refuse.
	_ "pyobject-preservation/handletable"
	_ "pyobject-preservation/naive"
)

// Run checks a strategy, one subtest a promise. It is called from a test of a package whose
// TestMain is [Main].
func Run(t *testing.T, s strategies.Strategy) {
	t.Helper()
	t.Run("RandomSequencesAgreeWithTheModel", func(t *testing.T) { agreesWithModel(t, s) })
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			for _, failure := range check(s, p) {
				t.Error(failure)
			}
		})
	}
}

// Main is TestMain for tests that need Python: it runs an interpreter around
// m.Run, checks that nothing of any strategy is left at the end, and exits.
func Main(m *testing.M) { run(m, leaks) }

func run(m *testing.M, leaks func() []string) {
	code, err := embed.Run(func() int {
		code := m.Run()
		if code == 0 {
			for _, leak := range leaks() {
				fmt.Fprintln(os.Stderr, "strategytest:", leak)
				code = 1
			}
		}
		wrapper.Disarm()
		return code
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "strategytest:", err)
	}
	os.Exit(code)
}

// leaks describes what is still there of each strategy.
func leaks() (found []string) {
	for _, s := range strategies.All() {
		d := s.Declaration()
		if live, wrappers := left(wrapper.Attach(s)); live != 0 || wrappers != 0 {
			found = append(found, fmt.Sprintf("%s leaks %d native objects and %d wrappers", d.Name, live, wrappers))
		}
	}
	return found
}

// left counts the native objects and the wrappers of a strategy, after
// everything without a reference is destroyed.
func left(b *wrapper.Binding) (objects, wrappers int64) {
	cpython.WithGIL(func() {
		n := cpython.NewNamespace()
		defer n.Close()
		for range 2 { // what the first drain releases may be in a cycle
			if err := n.Exec("import gc; gc.collect()"); err != nil {
				panic(err)
			}
			b.Drain()
		}
		stats := b.Stats()
		objects, wrappers = b.Live(), stats.WrappersCreated-stats.WrappersFreed
	})
	return objects, wrappers
}
