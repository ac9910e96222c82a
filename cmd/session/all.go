package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An interpreter is a CPython that the suite can be tested with.
type interpreter struct {
	version string // 3.13.5t: t is free-threaded, d a debug build
	path    string
}

const describeInterpreter = `
import sys, sysconfig
flags = "t" * bool(sysconfig.get_config_var("Py_GIL_DISABLED")) + "d" * hasattr(sys, "gettotalrefcount")
if sys.version_info >= (3, 10) and sys.implementation.name == "cpython" and sys.prefix == sys.base_prefix:
    print("%d.%d.%d%s" % (*sys.version_info[:3], flags), sys.executable)`

// inspect describes an interpreter; ok is false of what is too old, not CPython, or does not run.
func inspect(ctx context.Context, python string) (i interpreter, ok bool) {
	path, err := exec.LookPath(python)
	if err != nil {
		return i, false
	}
	text, err := command{argv: []string{path, "-c", describeInterpreter}, out: io.Discard}.output(ctx)
	version, executable, found := strings.Cut(strings.TrimSpace(text), " ")
	return interpreter{version, executable}, err == nil && found
}

// places are where an interpreter may be, beside those on the PATH.
func places(root, home string) []string {
	pyenv := os.Getenv("PYENV_ROOT")
	if pyenv == "" {
		pyenv = home + "/.pyenv"
	}
	var patterns []string
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		for _, name := range []string{"python3", "python3.[0-9][0-9]", "python3.[0-9][0-9]t", "python3.[0-9][0-9]-dbg"} {
			patterns = append(patterns, filepath.Join(folder, name))
		}
	}
	return append(patterns, pyenv+"/versions/*/bin/python3",
		// python.org's installers, and those of its Docker and manylinux images
		"/opt/python/*/bin/python3", "/opt/python*/bin/python3.[0-9][0-9]", "/opt/python*/bin/python3.[0-9][0-9]t",
		"/usr/local/bin/python3.[0-9][0-9]", "/usr/local/bin/python3.[0-9][0-9]t",
		"/Library/Frameworks/Python*.framework/Versions/3.*/bin/python3.[0-9][0-9]",
		"/Library/Frameworks/Python*.framework/Versions/3.*/bin/python3.[0-9][0-9]t",
		root+"/.build/python3.13t/bin/python3.13t")
}

// interpreters finds those named in PYTHONS, or all that there are: one of each version and build.
// Without a free-threaded one it builds that of scripts/free_threaded.sh (FREE_THREADED=no: not),
// without 3.14 or 3.15 it unpacks those of scripts/newer_pythons.sh (NEWER=no: not). failed
// says what could not be had.
func (e environment) interpreters(ctx context.Context) (found []interpreter, failed []string) {
	add := func(paths ...string) {
		for _, path := range paths {
			i, ok := inspect(ctx, path)
			if ok && !slices.ContainsFunc(found, func(j interpreter) bool { return i.version == j.version }) {
				found = append(found, i)
			}
		}
	}
	asked := words(os.Getenv("PYTHONS"))
	add(asked...)
	if len(asked) > 0 {
		for _, python := range asked {
			if _, ok := inspect(ctx, python); !ok {
				failed = append(failed, python+" is no CPython from 3.10 on, or does not run")
			}
		}
	} else {
		home, _ := os.UserHomeDir() // without one there is no pyenv in it
		for _, pattern := range places(e.root, home) {
			paths, _ := filepath.Glob(pattern) // a folder of the PATH that is no pattern has nothing
			add(paths...)
		}
		if _, err := exec.LookPath("uv"); err == nil {
			text, _ := command{argv: []string{"uv", "python", "list", "--only-installed"}, out: io.Discard}.output(ctx)
			for line := range strings.Lines(text) {
				if fields := strings.Fields(line); len(fields) > 1 {
					add(fields[1])
				}
			}
		}
		prepare := func(without, why string, argv ...string) {
			if os.Getenv(without) == "no" {
				return
			}
			text, err := command{argv: argv, out: os.Stderr}.output(ctx)
			add(strings.Fields(text)...)
			if err != nil {
				failed = append(failed, why+"; "+without+"=no omits it")
			}
		}
		if !slices.ContainsFunc(found, interpreter.freeThreaded) {
			prepare("FREE_THREADED", "there is no free-threaded CPython, and none could be built", "scripts/free_threaded.sh")
		}
		var missing []string
		for _, version := range []string{"3.14", "3.15"} {
			if !slices.ContainsFunc(found, func(i interpreter) bool { return i.is(version) }) {
				missing = append(missing, version)
			}
		}
		if len(missing) > 0 {
			prepare("NEWER", "CPython "+strings.Join(missing, " ")+" is missing, and could not be installed",
				append([]string{"scripts/newer_pythons.sh"}, missing...)...)
		}
	}
	slices.SortFunc(found, func(a, b interpreter) int {
		x, y := a.numbers(), b.numbers()
		if c := slices.Compare(x, y); c != 0 {
			return c
		}
		return strings.Compare(a.version, b.version)
	})
	return found, failed
}

func (i interpreter) freeThreaded() bool { return strings.Contains(i.version, "t") }

// is tells whether it is an ordinary build of a version such as 3.14.
func (i interpreter) is(version string) bool {
	return regexp.MustCompile(`^` + regexp.QuoteMeta(version) + `\.\d+$`).MatchString(i.version)
}

func (i interpreter) numbers() []int {
	var n []int
	for _, digits := range regexp.MustCompile(`\d+`).FindAllString(i.version, -1) {
		v, _ := strconv.Atoi(digits)
		n = append(n, v)
	}
	return n
}

// columns are those of the table, and the part of the suite in each.
var columns = []string{"package, harness", "model", "matrix", "kit", "take-home", "Go", "Go, cpy3"}

// all is make test-all: the whole test suite on every CPython there is. It writes .build/test-all.md, a
// table of what was run where, and goes on when something fails.
type all struct {
	environment
	cells map[[2]string]string // by version and column
}

func runAll(ctx context.Context, e environment) error {
	a := all{e, map[[2]string]string{}}
	found, failed := e.interpreters(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("no CPython from 3.10 on was found; name some in PYTHONS")
	}
	os.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	os.Setenv("CI", "1")
	log, err := openLog(e.root, ".build", "test-all.log")
	if err != nil {
		return err
	}
	defer log.Close()
	var steps []step
	for _, i := range found {
		steps = append(steps, a.steps(i, found)...)
	}
	s := newSession("test-all", "", log)
	for _, what := range failed {
		s.say("%s", what)
	}
	unusable := map[string]bool{}
	err = s.each(ctx, steps, func(st step, err error) error {
		version, _, _ := strings.Cut(st.name, ": ")
		failed = append(failed, st.name)
		unusable[version] = unusable[version] || strings.HasSuffix(st.name, ": setup")
		return nil
	})
	if err != nil {
		return err
	}
	table := a.table(found)
	if err := os.WriteFile(".build/test-all.md", []byte(table), 0o644); err != nil {
		return err
	}
	fmt.Print(table)
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "; "))
	}
	return nil
}

// steps are those for one interpreter. What follows a setup that failed fails at once.
func (a all) steps(i interpreter, found []interpreter) []step {
	ready := false
	in := func(argv ...string) command {
		return command{argv: append([]string{"scripts/with_python.sh", i.path}, argv...)}
	}
	shell := func(script string) command { return in("bash", "-c", script) }
	cell := func(column string, seconds float64, passed string, commands ...command) step {
		return step{i.version + ": " + column, seconds, func(ctx context.Context, t *task) error {
			result, err := "cannot be set up", errors.New("it cannot be set up, or not without warnings")
			if ready {
				if err = a.check(ctx, t, i.version+"-"+column, commands); err == nil {
					result = passed
				} else {
					result = "FAILED"
				}
				if t.done != "" {
					result += " (" + t.done + ")"
				}
			}
			a.cells[[2]string{i.version, column}] = result
			return err
		}}
	}
	const pytest = `"$PP_PYTHON" -m pytest -q -p no:cacheprovider `
	takehome := takehomeMatrix()
	takehome.argv = in(takehome.argv...).argv
	steps := []step{
		// Without an expected time: a setup that has nothing to do says nothing about the steps after it.
		{i.version + ": setup", 0, func(ctx context.Context, t *task) error {
			err := a.check(ctx, t, i.version+"-setup", []command{{argv: []string{"scripts/setup.sh", i.path}}})
			ready = err == nil
			return err
		}},
		cell("package, harness", 150, "passed", shell(pytest+"python/tests"),
			shell(pytest+"-c matrix/pytest.ini --rootdir matrix matrix/selftest")),
		cell("model", 60, "passed", shell(pytest+"-c matrix/pytest.ini --rootdir matrix matrix/model")),
		cell("matrix", 150, "passed", in("scripts/matrix.sh")),
		cell("kit", 115, "passed", shell(`"$PP_PYTHON" lifetime/tests/run.py`)),
		cell("take-home", 65, "passed", shell(`"$PP_PYTHON" takehome/build.py`), takehome),
	}
	if i.freeThreaded() {
		a.cells[[2]string{i.version, "Go"}] = "not run: " + embedding
		a.cells[[2]string{i.version, "Go, cpy3"}] = "not run"
		return steps
	}
	steps = append(steps, cell("Go", 90, "passed", in("go", "test", "-short", "./...")),
		cell("Go, cpy3", 90, "passed", in("scripts/test_cpy3.sh")))
	// Its free-threaded sister, if that is nowhere to be found: from 3.14 on the headers suit both.
	for _, version := range []string{"3.14", "3.15"} {
		sister := func(j interpreter) bool { return j.freeThreaded() && strings.HasPrefix(j.version, version+".") }
		if i.is(version) && !slices.ContainsFunc(found, sister) {
			steps = append(steps, cell("as free-threaded", 60, "compiled, not run", in("scripts/compile_free_threaded.sh")))
		}
	}
	return steps
}

// check runs the commands of a cell, with a log of its own, and fails on a warning of a compiler that
// is not about a Go module of others.
func (a all) check(ctx context.Context, t *task, name string, commands []command) error {
	log, err := openLog(a.root, ".build", "test-all-"+strings.NewReplacer(", ", "-", " ", "-").Replace(name)+".log")
	if err != nil {
		return err
	}
	defer log.Close()
	outer := t.log
	t.log = io.MultiWriter(outer, log)
	err = execute(commands...)(ctx, t)
	t.log = outer
	if err != nil {
		return fmt.Errorf("%w; see %s", err, log.Name())
	}
	text, err := os.Open(log.Name())
	if err != nil {
		return err
	}
	defer text.Close()
	warning := regexp.MustCompile(`^[^ ]+:[0-9]+: warning: `)
	for lines := bufio.NewScanner(text); lines.Scan(); {
		if line := lines.Text(); warning.MatchString(line) && !strings.Contains(line, "/pkg/mod/") {
			t.note(line)
			err = fmt.Errorf("a compiler warns; see %s", log.Name())
		}
	}
	return err
}

func (a all) table(found []interpreter) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| CPython | %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)+1))
	for _, i := range found {
		row := []string{i.version}
		for _, column := range columns {
			row = append(row, a.cells[[2]string{i.version, column}])
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if result := a.cells[[2]string{i.version, "as free-threaded"}]; result != "" {
			fmt.Fprintf(&b, "| %st, headers only | %s |%s\n", i.version, result, strings.Repeat(" |", len(columns)-1))
		}
	}
	return b.String()
}
