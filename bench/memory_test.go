package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/bench/loops"
	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/strategies"
)

// childKey is the environment variable that turns the test binary into a process
// that measures memory and does nothing else: "strategy objects".
const childKey = "PP_BENCH_MEMORY"

// footprint is the memory of a native-held object with a dead wrapper, in
// bytes.
type footprint struct {
	Py  float64 `json:"py"`  // blocks asked of Python's allocators, as tracemalloc counts them
	Go  float64 `json:"go"`  // live on the Go heap
	RSS float64 `json:"rss"` // of the process, C memory such as headers included
}

// memory measures in a new process each time: one that has run before has free
// memory in its arenas, which would hide the objects.
func memory(objs int) func(bench, *subject) {
	return func(b bench, s *subject) {
		var last footprint
		var total footprint
		n := 0.0
		for b.Loop() {
			var err error
			cpython.WithoutGIL(func() { last, err = inChild(s.name, objs) })
			require.NoError(b, err)
			total.Py += last.Py
			total.Go += last.Go
			total.RSS += last.RSS
			n++
		}
		require.Positive(b, last.RSS)
		b.ReportMetric(0, "ns/op") // leaves it out: time is not what is measured
		b.ReportMetric(total.Py/n, "py-bytes/obj")
		b.ReportMetric(total.Go/n, "go-bytes/obj")
		b.ReportMetric(total.RSS/n, "rss-bytes/obj")
	}
}

func inChild(name string, objs int) (f footprint, err error) {
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", childKey, name, objs))
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return f, fmt.Errorf("measuring the memory of %s: %w", name, err)
	}
	return f, json.Unmarshal(out, &f)
}

// memoryChild is the main function of that process.
func memoryChild(what string) int {
	var name string
	var objs int
	if _, err := fmt.Sscanf(what, "%s %d", &name, &objs); err != nil {
		return fail(err)
	}
	i := slices.IndexFunc(strategies.Measured(), func(s strategies.Reference) bool { return s.Declaration().Name == name })
	if i < 0 {
		return fail(fmt.Errorf("no strategy is called %q", name))
	}
	strategy := strategies.Measured()[i].Strategy
	var f footprint
	var err error
	cpython.WithGIL(func() { f, err = measure(wrapper.Attach(strategy), objs) })
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(f)
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// measure first reads the memory of the process, and then counts a second set
// of objects with tracemalloc, which needs memory itself.
func measure(b *wrapper.Binding, objs int) (f footprint, err error) {
	module, err := b.Module()
	if err != nil {
		return f, err
	}
	cpython.DecRef(module)
	ns := cpython.NewNamespace()
	defer ns.Close()
	err = ns.Exec(`
import gc, tracemalloc
gc.disable()
traced = lambda: tracemalloc.get_traced_memory()[0]
`)
	if err != nil {
		return f, err
	}
	warm := loops.NewHeld(b, 1000)
	if err := warm.Fill(); err != nil {
		return f, err
	}
	defer warm.Close()

	first := loops.NewHeld(b, objs)
	defer first.Close()
	rss, heap := resident(), goHeap()
	if err := first.Fill(); err != nil {
		return f, err
	}
	f.Go = per(goHeap()-heap, objs)
	f.RSS = per(resident()-rss, objs)

	second := loops.NewHeld(b, objs)
	defer second.Close()
	if err := ns.Exec("tracemalloc.start(1)"); err != nil {
		return f, err
	}
	before, err := loops.Int(ns.Get("traced"))
	if err != nil {
		return f, err
	}
	if err := second.Fill(); err != nil {
		return f, err
	}
	after, err := loops.Int(ns.Get("traced"))
	if err != nil {
		return f, err
	}
	f.Py = per(after-before, objs)
	return f, ns.Exec("tracemalloc.stop()")
}

func per(bytes int64, objs int) float64 { return max(0, float64(bytes)/float64(objs)) }

func goHeap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one found unreachable is gone after the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// resident is the size of the process in memory, in bytes.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages int64
	fmt.Fscan(strings.NewReader(string(text)), &size, &pages)
	return pages * int64(os.Getpagesize())
}
