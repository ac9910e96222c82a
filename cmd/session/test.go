package main

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// pytest runs tests of the suite in the folders or files named.
func (e environment) pytest(arguments ...string) command {
	return command{argv: append([]string{e.python, "-m", "pytest", "-q", "-p", "no:cacheprovider"}, arguments...)}
}

// ofMatrix runs tests that belong to the matrix, but are not properties.
func (e environment) ofMatrix(folder string) command {
	return e.pytest("-c", "matrix/pytest.ini", "--rootdir", "matrix", folder)
}

// takehomeMatrix runs the matrix of the take-home extensions, which takehome/build.py has built.
func takehomeMatrix() command {
	return command{argv: []string{"scripts/matrix.sh", "--lifetimes-json=.build/takehome/matrix.json",
		"--lifetimes-md=.build/takehome/matrix.md"}, env: []string{"STRATEGY=takehome-*"}}
}

// pure is what is built without cgo, too.
var pure = []string{"./native/...", "./internal/slots", "./internal/record", "./cmd/..."}

// embedding is why Go tests do not run on a free-threaded CPython.
const embedding = "the GIL must be on from the start"

// runTest is make test.
func runTest(ctx context.Context, e environment, o options, f facts) error {
	asked, err := known("strategy", o.strategy, f.Strategies)
	if err != nil {
		return err
	}
	os.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	without := []string{"CGO_ENABLED=0"}
	goTest := func(arguments ...string) command { return command{argv: append([]string{"go", "test"}, arguments...)} }
	steps := []step{
		{"native library, without cgo", 20, execute(
			command{argv: append([]string{"go", "build"}, pure...), env: without},
			command{argv: append([]string{"go", "test"}, pure...), env: without})},
		{"native library, race detector", 40, execute(goTest("-race", "./native/...", "./internal/slots"))},
	}
	if f.FreeThreaded {
		fmt.Fprintln(os.Stderr, "test: Go tests that embed the interpreter are left out: "+embedding)
	} else {
		steps = append(steps,
			step{"Go tests, conformance of every strategy", 90, execute(goTest("./..."))},
			step{"every benchmark for 1 ms", 60, execute(goTest("-run", "^$", "-bench", ".", "-benchtime", "1ms", "./bench"))},
			step{"Go tests with an interpreter started by cpy3", 90, execute(command{argv: []string{"scripts/test_cpy3.sh"}})})
	}
	steps = append(steps, []step{
		{"Python package", 90, execute(e.pytest("python/tests"))},
		{"the report's page in Chromium, where there is one", 45, execute(e.pytest("-rs", "cmd/report/browser"))},
		{"the matrix's own tests", 60, execute(e.ofMatrix("matrix/selftest"))},
		{"random sequences against the model", 60, execute(e.ofMatrix("matrix/model"))},
		{"the kit, as C11 and C++17, and its models", 115, execute(command{argv: []string{e.python, "lifetime/tests/run.py"}})},
		{"take-home extensions, single headers, their matrix", 65, execute(
			command{argv: []string{e.python, "takehome/build.py", "--check"}}, takehomeMatrix())},
		{"correctness matrix", 150, execute(command{argv: []string{"scripts/matrix.sh"},
			env: []string{"STRATEGY=" + strings.Join(asked, " ")}})},
	}...)
	return e.session(ctx, "test", strings.Join(asked, " "), steps)
}

// session runs steps with a log of their own, below .build.
func (e environment) session(ctx context.Context, name, narrowed string, steps []step) error {
	log, err := openLog(e.build(name + ".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s := newSession(name, strings.TrimSpace(e.tag+" "+narrowed), log)
	file := strings.TrimPrefix(log.Name(), e.root+"/")
	if err := s.run(ctx, steps); err != nil {
		if ctx.Err() == nil {
			s.say("stopped; all of the output is in %s", file)
		}
		return err
	}
	s.say("%d passed, 0 failed: %s; all of the output is in %s", len(steps), clock(s.now().Sub(s.begun).Seconds()), file)
	return nil
}
