package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"pyobject-preservation/internal/record"
)

// extent is how much a run measures.
type extent struct {
	limit                  float64 // seconds for all but the counting
	matrix, goSide, pySide float64 // seconds for each part
	latency, counting      float64
	objs                   int // whose root a goroutine releases at once
	rounds, least          int
	longest                float64 // milliseconds for a Go benchmark
	target                 float64 // seconds for a timed loop in Python
	turns, memory          int
	operations             string // that are counted; all if ""
	largeRounds            int    // that also measure what takes long
	children               string // seconds for a process of the matrix; its own if ""
}

var (
	whole = extent{limit: 470, matrix: 160, goSide: 170, pySide: 170, latency: 40, objs: 1_000_000, counting: 220, rounds: 9, least: 6,
		longest: 100, target: 0.002, turns: 5, memory: 6, largeRounds: 3}
	quick = extent{limit: 85, matrix: 25, goSide: 26, pySide: 26, latency: 8, objs: 100_000, counting: 40, rounds: 3, least: 3,
		longest: 15, target: 0.0005, turns: 2, memory: 1, operations: "WrapLive,WrapDead,Create,Call"}
	// With libraries: all strategies in the matrix and in Python, nothing in Go.
	wholePeers = extent{matrix: 600, pySide: 900, counting: 900, rounds: 6, least: 6,
		target: 0.002, turns: 5, memory: 2, children: "240"}
	quickPeers = extent{matrix: 300, pySide: 120, counting: 300, rounds: 1, least: 1,
		target: 0.0005, turns: 2, memory: 1, children: "240", operations: "WrapLive,WrapDead,Create,Call"}
)

// perStrategy is about how many benchmarks a strategy has in Go, and preparing how many milliseconds
// each of them takes before it is measured.
const (
	perStrategy = 24
	preparing   = 50
)

// A bench is one recorded run: the matrix, the benchmarks of both sides and the counting of
// instructions. It is written to results/.partial-<label>, and gets its name when it is whole.
type bench struct {
	environment
	extent
	record.Machine
	strategies []string
	libraries  []string // those asked for, with make peers
	available  []string
	env        []string
	out        string
	failed     []string // what did not come out as it should; it is recorded, and the run fails
	begun      time.Time
}

// options are what the user says by environment variables.
type options struct{ label, strategy, peers, quick string }

func readOptions() options {
	return options{os.Getenv("LABEL"), os.Getenv("STRATEGY"), os.Getenv("PEERS"), os.Getenv("QUICK")}
}

// runBench is make bench. libraries are those of make peers; narrowed tells that they are not all.
func runBench(ctx context.Context, e environment, o options, f facts, libraries []string, narrowed string) error {
	b := &bench{environment: e, Machine: describe(ctx, f), strategies: f.Strategies, libraries: libraries, begun: time.Now()}
	asked, err := known("strategy", o.strategy, f.Strategies)
	if err != nil {
		return err
	}
	if len(asked) > 0 {
		b.strategies, narrowed = asked, strings.Join(asked, " ")
	}
	for _, name := range libraries {
		if f.Missing[name] == "" {
			b.available = append(b.available, name)
		}
	}
	b.Quick, b.Peers, b.Narrowed = o.quick != "", len(libraries) > 0, narrowed
	b.extent = map[[2]bool]extent{{false, false}: whole, {true, false}: quick, {false, true}: wholePeers,
		{true, true}: quickPeers}[[2]bool{b.Quick, b.Peers}]
	b.Label = o.label
	if b.Label == "" {
		b.Label = label(b.Machine, f)
	}
	release, err := b.claim()
	if err != nil {
		return err
	}
	defer release()
	return b.record(ctx)
}

// claim makes the folder of the run, for this process alone. release removes what is not whole.
func (b *bench) claim() (release func(), err error) {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`).MatchString(b.Label) {
		return nil, fmt.Errorf("LABEL=%q cannot name a folder: letters, digits and . _ - only", b.Label)
	}
	final := filepath.Join("results", b.Label)
	if _, err := os.Stat(final); err == nil {
		return nil, fmt.Errorf("%s exists already; choose another LABEL, or remove it first", final)
	}
	if err := os.MkdirAll(".build", 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(".build/lock-"+b.Label, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another run is writing %s; choose another LABEL, or wait for it", final)
	}
	b.out = filepath.Join("results", ".partial-"+b.Label)
	release = func() {
		os.RemoveAll(b.out)
		os.Remove(lock.Name())
		lock.Close()
	}
	if err := errors.Join(os.RemoveAll(b.out), os.MkdirAll(b.out, 0o755)); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

func (b *bench) record(ctx context.Context) error {
	log, err := os.Create(b.path("log.txt"))
	if err != nil {
		return err
	}
	defer log.Close()
	if err := writeMachine(b.Machine, b.path("machine.json")); err != nil {
		return err
	}
	commit := b.Commit
	if b.Dirty {
		commit += "-dirty"
	}
	b.env = []string{"PP_COMMIT=" + commit, "PYTHONDONTWRITEBYTECODE=1"}

	name, kind := "bench", b.tag
	if b.Peers {
		name = "peers"
	}
	if b.Quick {
		kind += " quick"
	}
	if b.Narrowed != "" {
		kind += " " + b.Narrowed
	}
	s := newSession(name, kind, log)
	beside := ""
	if len(b.available) > 0 {
		beside = ", beside " + strings.Join(b.available, " ")
	}
	s.say("%s: %s and the floor%s", b.Label, strings.Join(b.strategies, " "), beside)

	steps := []step{{"the correctness matrix", b.matrix, b.runMatrix}}
	if !b.Peers {
		steps = append(steps, step{"building the Go benchmarks", 10, b.buildGo}, step{"Go benchmarks", b.goSide, b.runGo})
	}
	steps = append(steps, step{"Python benchmarks", b.pySide, b.runPython})
	if !b.Peers {
		steps = append(steps, step{"releases by goroutines", b.latency, b.runLatency})
	}
	steps = append(steps,
		step{"counting instructions", b.counting, b.count},
		step{"the report", 5, b.report})
	if err := s.run(ctx, steps); err != nil {
		if ctx.Err() == nil { // the reader of the message needs what there is
			kept := ".build/failed-" + b.Label
			if os.RemoveAll(kept) == nil && os.Rename(b.out, kept) == nil {
				err = fmt.Errorf("%w; what there is lies in %s", err, kept)
			}
		}
		return err
	}
	return b.finish(s)
}

// finish gives the run its name.
func (b *bench) finish(s *session) error {
	size := 0
	files, err := filepath.Glob(b.path("*.*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		size += int(info.Size())
	}
	final := filepath.Join("results", b.Label)
	s.say("done in %s, %d kB: %s/report.md", clock(time.Since(b.begun).Seconds()), size/1000, final)
	if size >= 1_000_000 {
		s.say("that is more than the 1 MB that a run should have at most")
	}
	summary, err := os.ReadFile(b.path(".summary"))
	if err != nil {
		return err
	}
	if err := errors.Join(os.Remove(b.path(".summary")), os.Rename(b.out, final)); err != nil {
		return err
	}
	fmt.Printf("%s\nEverything: %s/report.md\nTwo runs:   go tool benchstat -table lang -row .fullname -col .file A/bench.txt B/bench.txt\n",
		summary, final)
	if len(b.failed) > 0 {
		return errors.New(strings.Join(b.failed, "; "))
	}
	return nil
}

func (b *bench) path(name string) string { return filepath.Join(b.out, name) }

// fail notes what did not come out as it should. The run goes on, and fails in the end.
func (b *bench) fail(t *task, what, file string) {
	b.failed = append(b.failed, fmt.Sprintf("%s: see results/%s/%s", what, b.Label, file))
	t.note(what)
}

// runMatrix is the first step. What the matrix finds is a result; it does not stop the measuring.
func (b *bench) runMatrix(ctx context.Context, t *task) error {
	log, err := os.Create(b.path("matrix.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	absolute, err := filepath.Abs(b.out)
	if err != nil {
		return err
	}
	argv := []string{"scripts/matrix.sh", "--lifetimes-progress=/dev/fd/3",
		"--lifetimes-json=" + absolute + "/matrix.json", "--lifetimes-md=" + absolute + "/matrix.md"}
	if b.Quick {
		argv = append(argv, "--lifetimes-quick")
	}
	if b.children != "" {
		argv = append(argv, "--lifetimes-seconds="+b.children)
	}
	subjects := slices.Concat(b.strategies, b.libraries)
	err = command{argv: argv, env: append(b.env, "STRATEGY="+strings.Join(subjects, " ")), out: log, progress: t.progress}.run(ctx)
	switch {
	case ctx.Err() != nil:
		return err
	case err != nil:
		b.fail(t, "the matrix did not come out as declared", "matrix.log")
	default:
		err = os.Remove(log.Name()) // matrix.md has all of it
	}
	if !b.Peers {
		return err
	}
	t.note("what did not come out as declared:")
	return command{argv: []string{b.python, "-m", "lifetimes.report", "undeclared", b.path("matrix.json")},
		env: b.env, line: t.note}.run(ctx)
}

func (b *bench) binary() string { return b.build("bench.test") }

func (b *bench) buildGo(ctx context.Context, t *task) error {
	return execute(command{argv: []string{"go", "test", "-c", "-o", b.binary(), "./bench"}, env: b.env})(ctx, t)
}

// share is what is left of the time for the benchmarks of one side: a matrix or a build that took longer
// than planned takes it from both.
func (b *bench) share(planned float64) float64 {
	left := (b.limit - 5 - b.latency - time.Since(b.begun).Seconds()) / 2
	return min(planned, max(left, 15))
}

// runGo measures the Go side: rounds outside, strategies inside.
func (b *bench) runGo(ctx context.Context, t *task) error {
	b.goSide, b.pySide = b.share(b.goSide), b.share(b.pySide)
	count := float64(len(b.strategies) + 2)
	each := b.goSide*1000/float64(b.rounds)/(count*perStrategy) - preparing
	each = math.Floor(min(max(each, 5), b.longest))
	t.note(fmt.Sprintf("up to %d rounds, %g ms each", b.rounds, each))
	pattern := "/^strategy=(floor|baseline|" + strings.Join(b.strategies, "|") + ")$"
	for round := 1; round <= b.rounds; round++ {
		env := b.env
		if round <= b.largeRounds {
			env = append(env, "PP_BENCH_LARGE=1")
		}
		said := &tail{}
		text, err := command{argv: []string{b.binary(), "-test.run", "^$", "-test.bench", pattern,
			"-test.benchtime", fmt.Sprintf("%gms", each), "-test.count", "1"},
			dir: "bench", env: env, out: io.MultiWriter(t.log, said)}.output(ctx)
		if err != nil {
			return fmt.Errorf("a Go benchmark failed: %w\n%s", err, said.last(30))
		}
		// Added to the record only when the round is whole.
		if err := b.add(regexp.MustCompile(`[ \t]+`).ReplaceAllString(text, " ")); err != nil {
			return err
		}
		took := t.now().Sub(t.begun).Seconds()
		t.progress(fmt.Sprintf("%d of %d rounds", round, b.rounds))
		if round >= b.least && took+took/float64(round) > b.goSide {
			break
		}
	}
	return nil
}

// add adds to bench.txt.
func (b *bench) add(text string) error {
	f, err := os.OpenFile(b.path("bench.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// runProgram runs one of the programs in bench/ that write benchmark text, and adds that text.
func (b *bench) runProgram(ctx context.Context, t *task, program string, arguments ...string) error {
	text := b.path("python.txt")
	argv := append([]string{b.environment.python, program, "--text", text,
		"--strategies", strings.Join(b.strategies, ",")}, arguments...)
	failed := command{argv: argv, env: b.env, out: t.log, line: t.note, progress: t.progress}.run(ctx)
	written, err := os.ReadFile(text)
	if err == nil {
		err = errors.Join(b.add(string(written)), os.Remove(text))
	}
	if failed != nil {
		return failed
	}
	return err
}

// beside is the argument of programs that measure libraries, too.
func (b *bench) beside() string { return "--libraries=" + strings.Join(b.available, ",") }

func (b *bench) runPython(ctx context.Context, t *task) error {
	return b.runProgram(ctx, t, "bench/python_bench.py", "--json", b.path("python.json.gz"), b.beside(),
		"--rounds", fmt.Sprint(b.rounds), "--least", fmt.Sprint(b.least), "--seconds", fmt.Sprint(b.pySide),
		"--target", fmt.Sprint(b.target), "--turns", fmt.Sprint(b.turns), "--memory-rounds", fmt.Sprint(b.memory),
		"--large-rounds", fmt.Sprint(b.largeRounds))
}

// runLatency measures what a release by a goroutine means for Python code.
func (b *bench) runLatency(ctx context.Context, t *task) error {
	return b.runProgram(ctx, t, "bench/release_latency.py", "--objs", fmt.Sprint(b.objs), "--rounds", fmt.Sprint(b.objs/1000))
}

// count counts instructions. What cannot be counted is a result, too.
func (b *bench) count(ctx context.Context, t *task) error {
	err := b.runProgram(ctx, t, "bench/instructions.py", b.beside(), "--operations", b.operations)
	if err != nil && ctx.Err() == nil {
		b.fail(t, "not everything could be counted", "log.txt")
		return nil
	}
	return err
}

func (b *bench) report(ctx context.Context, t *task) error {
	summary, err := os.Create(b.path(".summary"))
	if err != nil {
		return err
	}
	defer summary.Close()
	if err := execute(command{argv: []string{"go", "build", "-o", ".build/report", "./cmd/report"}})(ctx, t); err != nil {
		return err
	}
	return command{argv: []string{".build/report", "-results", "results", "-label", filepath.Base(b.out)},
		out: t.log, stdout: summary}.run(ctx)
}
