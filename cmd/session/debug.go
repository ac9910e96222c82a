package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// runDebug is make test-debug: errors that ordinary runs do not show. The race detector over the
// Go side, AddressSanitizer and UndefinedBehaviorSanitizer over the C parts, valgrind, and a debug build of
// CPython (DEBUG_PYTHON, or the distribution's), whose assertions are on and whose total reference
// count must stay flat. Where there is a free-threaded CPython with ThreadSanitizer (TSAN_PYTHON, or what
// scripts/free_threaded.sh --tsan builds), also that over the schemes under threads.
func runDebug(ctx context.Context, e environment) error {
	os.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	debug, err := debugPython(ctx)
	if err != nil {
		return err
	}
	steps := []step{
		{"Go side, race detector", 150, execute(command{argv: []string{"go", "test", "-race", "-short", "./native/...",
			"./internal/...", "./strategies/...", "./preserve", "./toggleref", "./intrusive", "./mirrored", "./gcowned"}})},
		{"C parts, AddressSanitizer and UBSan", 500, e.sanitized},
	}
	tsan := os.Getenv("TSAN_PYTHON")
	if tsan == "" {
		tsan = e.root + "/.build/python3.13tsan/bin/python3.13t"
	}
	if _, err := exec.LookPath(tsan); err == nil {
		steps = append(steps, step{"schemes without the GIL, ThreadSanitizer", 240,
			execute(command{argv: []string{e.python, "lifetime/tests/run.py", "--tsan", "--seconds", "20", tsan}})})
	} else {
		fmt.Fprintln(os.Stderr, "test-debug: ThreadSanitizer is left out: it needs a CPython built with it; scripts/free_threaded.sh --tsan builds one")
	}
	in := func(argv ...string) command {
		return command{argv: append([]string{"scripts/with_python.sh", debug}, argv...)}
	}
	steps = append(steps,
		step{"valgrind", 240, e.valgrind},
		step{"debug build of CPython: " + debug, 500, execute(
			command{argv: []string{"scripts/setup.sh", debug}},
			in("bash", "-c", `"$PP_PYTHON" -m pytest -q -p no:cacheprovider python/tests`),
			in("scripts/matrix.sh"),
			in("bash", "-c", `"$PP_PYTHON" -m lifetimes.model.stress --seconds 60 --any-memory subjects.strategies`))})
	return e.session(ctx, "test-debug", "", steps)
}

// debugPython finds a debug build of CPython. As root on Debian or Ubuntu it installs one.
func debugPython(ctx context.Context) (string, error) {
	if asked := os.Getenv("DEBUG_PYTHON"); asked != "" {
		return asked, nil
	}
	find := func() string {
		found, _ := filepath.Glob("/usr/bin/python3.[0-9]*-dbg") // the pattern is right
		if len(found) == 0 {
			return ""
		}
		return slices.MaxFunc(found, func(a, b string) int { // 3.9 comes before 3.11
			return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
		})
	}
	if python := find(); python != "" {
		return python, nil
	}
	missing := errors.New("a debug build of CPython is missing; on Debian or Ubuntu: apt-get install python3-dbg")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		return "", missing
	}
	fmt.Fprintln(os.Stderr, "test-debug: installing python3-dbg (apt-get)")
	said := &tail{}
	err := command{argv: []string{"apt-get", "install", "-y", "-qq", "python3-dbg", "python3-dev"},
		env: []string{"DEBIAN_FRONTEND=noninteractive"}, out: said}.run(ctx)
	if python := find(); err == nil && python != "" {
		return python, nil
	}
	return "", fmt.Errorf("%w\n%s", missing, said.last(5))
}

// sanitized runs the matrix, random sequences and the kit's tests with the sanitizers in the extension's C parts,
// and CPython's allocations visible to them.
func (e environment) sanitized(ctx context.Context, t *task) error {
	var libraries []string
	for _, name := range []string{"libasan.so", "libubsan.so"} {
		path := firstLine(ctx, compiler(), "-print-file-name="+name)
		if !filepath.IsAbs(path) {
			return errors.New("the compiler's sanitizers are missing; on Debian or Ubuntu: apt-get install libasan8 libubsan1")
		}
		libraries = append(libraries, path)
	}
	folder := e.build("sanitized")
	build := buildExtension(folder,
		"CGO_CFLAGS="+os.Getenv("CGO_CFLAGS")+" -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer",
		"CGO_LDFLAGS="+os.Getenv("CGO_LDFLAGS")+" -fsanitize=address,undefined")
	// handle_segv: Go and faulthandler have handlers of their own. Leaks: an interpreter
	// leaks at exit, and every test checks our own objects itself.
	env := []string{"PYTHONPATH=" + folder + ":" + e.root + "/matrix", "LD_PRELOAD=" + strings.Join(libraries, " "), "PYTHONMALLOC=malloc",
		"ASAN_OPTIONS=detect_leaks=0:handle_segv=0:allow_user_segv_handler=1:quarantine_size_mb=8"}
	return execute(build,
		// A million flips find no further errors here, and a memory limit is meaningless.
		command{argv: []string{"scripts/matrix.sh", "--lifetimes-quick", "--lifetimes-seconds=300",
			"-k", "not million_flips and not storm and not signals"}, env: env},
		command{argv: []string{e.python, "-m", "lifetimes.model.stress", "--seconds", "120", "--seed", "7", "--any-memory", "subjects.strategies"}, env: env},
		command{argv: []string{e.python, "lifetime/tests/run.py", "--sanitize"}})(ctx, t)
}

// buildExtension builds the extension module in a copy of the package, with tools or flags of its own.
func buildExtension(folder string, env ...string) command {
	return command{argv: []string{"bash", "-euc", `mkdir -p "$1/pyobject_preservation"
cp python/pyobject_preservation/__init__.py "$1/pyobject_preservation/"
go build -buildmode=c-shared -ldflags=-X=runtime.godebugDefault=asyncpreemptoff=1 \
    -o "$1/pyobject_preservation/_core$PP_EXT_SUFFIX" ./python`, "build", folder}, env: env}
}

// valgrind runs random sequences. Valgrind does not understand goroutines' stacks and Go's heap, and
// reports Go code everywhere. What counts is an access in C code: the suite's, or CPython's to
// memory of the suite.
func (e environment) valgrind(ctx context.Context, t *task) error {
	if _, err := exec.LookPath("valgrind"); err != nil {
		return errors.New("valgrind is missing; on Debian or Ubuntu: apt-get install valgrind")
	}
	log := e.build("valgrind.log")
	// Its exit status is the program's: what it found is in its log.
	err := execute(command{argv: []string{"valgrind", "--undef-value-errors=no", "--error-limit=no", "--log-file=" + log,
		e.python, "-m", "lifetimes.model.stress", "--one-process", "--operations", "8800", "subjects.strategies"}, env: []string{"PYTHONMALLOC=malloc"}})(ctx, t)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), "ERROR SUMMARY") {
		return fmt.Errorf("valgrind did not finish: see %s", log)
	}
	if bad := invalidAccesses(string(text)); len(bad) > 0 {
		return fmt.Errorf("invalid accesses in C code: see %s\n%s", log, strings.Join(bad, "\n"))
	}
	return nil
}

// invalidAccesses lists the accesses that valgrind's log reports of C code, each with its place.
func invalidAccesses(log string) []string {
	inC := regexp.MustCompile(` at .*\([a-z_]+\.[ch]:[0-9]+\)`)
	runtime := regexp.MustCompile(`gcc_libinit|_cgo_`)
	var found []string
	what := ""
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if what != "" && inC.MatchString(line) && !runtime.MatchString(line) {
			found = append(found, what, line)
		}
		what = ""
		if regexp.MustCompile(`Invalid (read|write|free)|Mismatched`).MatchString(line) {
			what = line
		}
	}
	return found
}
