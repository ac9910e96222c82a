// The benchmarks do batches of one operation in C (package loops), so that
// they do not measure the call from Go to C; ns/op is still that of one
// operation. Each checks its own work outside the timing: counters, ids, no
// native object left over, and identity and weak references as the strategy
// declares them.
//
//	go test -bench . ./bench | go tool benchstat -col /strategy -
//	go test -bench '/strategy=preserve$' ./bench
package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/bench/loops"
	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/cpython/embed"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/strategies"
)

func BenchmarkCreate(b *testing.B)         { each(b, "Create") }
func BenchmarkCreateList(b *testing.B)     { each(b, "CreateList") }
func BenchmarkReplace(b *testing.B)        { each(b, "Replace") }
func BenchmarkCreateSubclass(b *testing.B) { each(b, "CreateSubclass") }
func BenchmarkWrapLive(b *testing.B)       { each(b, "WrapLive") }
func BenchmarkWrapDead(b *testing.B)       { each(b, "WrapDead") }
func BenchmarkWrapFirst(b *testing.B)      { each(b, "WrapFirst") }
func BenchmarkUnwrap(b *testing.B)         { each(b, "Unwrap") }
func BenchmarkCall(b *testing.B)           { each(b, "Call") }
func BenchmarkCallGo(b *testing.B)         { each(b, "CallGo") }
func BenchmarkRetainRelease(b *testing.B)  { each(b, "RetainRelease") }
func BenchmarkReleaseZombie(b *testing.B)  { each(b, "ReleaseZombie") }
func BenchmarkOffThread(b *testing.B)      { each(b, "OffThread") }
func BenchmarkWeakref(b *testing.B)        { each(b, "Weakref") }
func BenchmarkGC(b *testing.B)             { each(b, "GC") }
func BenchmarkMemory(b *testing.B)         { each(b, "Memory") }
func BenchmarkThreads(b *testing.B)        { each(b, "Threads") }
func BenchmarkTree(b *testing.B)           { each(b, "Tree") }
func BenchmarkCallbacks(b *testing.B)      { each(b, "Callbacks") }

var large = os.Getenv("PP_BENCH_LARGE") != ""

// each runs an operation for the references and every strategy: one
// sub-benchmark for each case, cases in the outer loop, so that strategies
// are measured close together.
func each(b *testing.B, name string) {
	op := find(name)
	for _, c := range op.cases {
		if c.large && !large {
			continue
		}
		for _, strategy := range strategies.Measured() {
			full := join("strategy="+strategy.Declaration().Name, c.keys)
			if why := lacks(b, strategy, op); why != "" {
				// Read by cmd/report: a cell is never blank.
				fmt.Printf("Absent go Benchmark%s/%s: %s\n", op.name, full, why)
				continue
			}
			b.Run(full, func(b *testing.B) {
				cpython.WithGIL(func() { measureOne(b, strategy, c) })
			})
		}
	}
}

func measureOne(b bench, strategy strategies.Reference, c benchCase) {
	on(b, strategy, func(s *subject) {
		c.run(b, s)
		s.kept(b)
	})
}

func lacks(b bench, strategy strategies.Reference, op operation) (why string) {
	cpython.WithGIL(func() {
		on(b, strategy, func(s *subject) { why = s.absent(b, op) })
	})
	return why
}

func find(name string) operation {
	for _, op := range operations {
		if op.name == name {
			return op
		}
	}
	panic("bench: no operation is called " + name)
}

func join(parts ...string) string {
	return strings.TrimSuffix(strings.Join(parts, "/"), "/")
}

// once is a bench that does one batch, as a test.
type once struct {
	*testing.T
	done    bool
	metrics map[string]float64
}

func (o *once) Loop() bool {
	defer func() { o.done = true }()
	return !o.done
}

func (o *once) ReportMetric(value float64, unit string) { o.metrics[unit] = value }

// TestEveryStrategyHasEveryBenchmark does one batch of everything, with all
// checks.
func TestEveryStrategyHasEveryBenchmark(t *testing.T) {
	for _, strategy := range strategies.Measured() {
		t.Run(strategy.Declaration().Name, func(t *testing.T) {
			for _, op := range operations {
				if lacks(noopBench{t}, strategy, op) != "" {
					continue
				}
				for _, c := range op.cases {
					if c.large && !large || testing.Short() && op.name == "GC" {
						continue
					}
					o := &once{T: t, metrics: map[string]float64{}}
					cpython.WithGIL(func() { measureOne(o, strategy, c) })
					unit := "ns/op"
					if op.name == "Memory" {
						unit = "rss-bytes/obj"
					}
					require.Greater(t, o.metrics[unit], 0.0, "%s %s", op.name, c.keys)
					require.Contains(t, o.metrics, "identity")
					require.Contains(t, o.metrics, "weakref")
				}
			}
		})
	}
}

// noopBench is a test as a bench that measures nothing.
type noopBench struct{ *testing.T }

func (noopBench) Loop() bool                   { return false }
func (noopBench) ReportMetric(float64, string) {}

// TestReferencesComeFirst because ratios to the floor are read from left to right.
func TestReferencesComeFirst(t *testing.T) {
	all := strategies.Measured()
	require.Equal(t, "floor", all[0].Declaration().Name)
	require.Equal(t, "baseline", all[1].Declaration().Name)
	require.Len(t, strategies.References(), 2)
	require.Len(t, all, 2+len(strategies.All()))
}

// TestProbeNeedsMoreThanAnAddress: naive's next wrapper may have the address of
// the last one, and must not count as the same.
func TestProbeNeedsMoreThanAnAddress(t *testing.T) {
	for _, strategy := range strategies.Measured() {
		cpython.WithGIL(func() {
			on(noopBench{t}, strategy, func(s *subject) {
				for range 20 {
					s.kept(noopBench{t})
				}
			})
		})
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	child := os.Getenv(childKey)
	code, err := embed.Run(func() int {
		defer cpython.WithGIL(wrapper.Disarm)
		if child != "" {
			return memoryChild(child)
		}
		if err := prepare(); err != nil {
			return fail(err)
		}
		return m.Run()
	})
	if err != nil {
		os.Exit(fail(err))
	}
	os.Exit(code)
}

// prepare turns off Python's automatic collections, which would be charged to
// the benchmark that runs at the moment, and prints the configuration.
func prepare() (err error) {
	cpython.WithGIL(func() {
		ns := cpython.NewNamespace()
		defer ns.Close()
		err = ns.Exec("import gc; gc.disable()")
	})
	if f := flag.Lookup("test.bench"); err != nil || f == nil || f.Value.String() == "" {
		return err
	}
	var version string
	cpython.WithGIL(func() { version = strings.Join(strings.Fields(cpython.Version()), " ") })
	for _, unit := range []string{"identity", "weakref", "attributes", "override"} {
		fmt.Printf("Unit %s assume=exact better=higher\n", unit)
	}
	for _, unit := range []string{"py-bytes/obj", "go-bytes/obj", "rss-bytes/obj"} {
		fmt.Printf("Unit %s better=lower\n", unit)
	}
	fmt.Println("lang: go")
	fmt.Println("go:", runtime.Version())
	fmt.Println("cpython:", version)
	fmt.Println("starter:", embed.Starter)
	fmt.Println("compiler:", loops.Compiler())
	fmt.Println("commit:", commit())
	return nil
}

// commit is PP_COMMIT, or what git says; "unknown" for a copy without history.
func commit() string {
	if c := os.Getenv("PP_COMMIT"); c != "" {
		return c
	}
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
