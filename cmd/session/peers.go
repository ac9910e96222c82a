package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// peers is make peers: an environment with the libraries, and a run of matrix and benchmarks with them.
type peers struct {
	environment
	facts
	asked []string
}

func runPeers(ctx context.Context, e environment, o options, f facts) error {
	asked, err := known("library", o.peers, f.Libraries)
	if err != nil {
		return err
	}
	narrowed := strings.Join(asked, " ")
	if len(asked) == 0 {
		asked = f.Libraries
	}
	p := peers{environment: e, facts: f, asked: asked}
	venv := filepath.Dir(filepath.Dir(e.python))
	p.python = filepath.Join(e.root, strings.Replace(filepath.Base(venv), ".venv", ".venv-peers", 1), "bin/python")
	log, err := openLog(e.build("peers.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s := newSession("peers", e.tag, log)
	err = s.run(ctx, []step{
		{"an environment for the libraries", 15, p.makeEnvironment},
		{"packages of Debian", 60, p.installDebian},
		{"packages of PyPI", 180, p.installPyPI},
		{"the adapter modules", 150, p.build},
	})
	if err != nil {
		return fmt.Errorf("%w; see %s", err, log.Name())
	}
	os.Setenv("MATRIX_NATIVE", e.build("native"))
	os.Setenv("PP_PYTHON", p.python)
	f, err = p.environment.facts(ctx, p.asked...)
	if err != nil {
		return err
	}
	for _, name := range p.asked {
		if why := f.Missing[name]; why != "" {
			s.say("skipped %s: %s", name, why)
		}
	}
	return runBench(ctx, p.environment, options{label: o.label, quick: o.quick}, f, p.asked, narrowed)
}

// makeEnvironment makes the virtual environment, which sees the interpreter's other packages, too.
func (p peers) makeEnvironment(ctx context.Context, t *task) error {
	venv := filepath.Dir(filepath.Dir(p.python))
	made, _ := os.ReadFile(filepath.Join(venv, ".for"))
	if strings.TrimSpace(string(made)) != p.tag {
		if err := os.RemoveAll(venv); err != nil {
			return err
		}
		if err := execute(command{argv: []string{p.Base, "-m", "venv", "--system-site-packages", venv}})(ctx, t); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(venv, ".for"), []byte(p.tag+"\n"), 0o644); err != nil {
			return err
		}
	}
	return p.pip(ctx, t, "-r", "scripts/requirements/suite.txt")
}

func (p peers) pip(ctx context.Context, t *task, what ...string) error {
	argv := append([]string{p.python, "-m", "pip", "install", "--disable-pip-version-check"}, what...)
	return command{argv: argv, out: t.log}.run(ctx)
}

// installDebian installs the packages of Debian, where that is possible; else it says what is missing.
func (p peers) installDebian(ctx context.Context, t *task) error {
	var missing []string
	for _, pkg := range p.needed(p.Requirements.Debian) {
		state, err := command{argv: []string{"dpkg-query", "-W", "-f", "${db:Status-Abbrev}", pkg}}.output(ctx)
		if err != nil || !strings.HasPrefix(state, "ii") {
			missing = append(missing, pkg)
		}
	}
	if len(missing) == 0 {
		return ctx.Err()
	}
	system, _ := filepath.EvalSymlinks("/usr/bin/python3")
	base, _ := filepath.EvalSymlinks(p.Base)
	_, noApt := exec.LookPath("apt-get")
	switch {
	case base != system:
		t.note(fmt.Sprintf("skipped: they are for %s, and this is %s", system, p.Base))
	case noApt != nil:
		t.note("skipped: this is neither Debian nor Ubuntu")
	case os.Getuid() != 0:
		t.note("skipped, because this is not root: apt-get install " + strings.Join(missing, " "))
	default:
		// What the index lacks fails below, by name.
		_ = command{argv: []string{"apt-get", "update", "-qq"}, out: t.log}.run(ctx)
		for i, pkg := range missing { // one by one: not every release has all of them
			err := command{argv: []string{"apt-get", "install", "-y", "-qq", "--no-install-recommends", pkg},
				env: []string{"DEBIAN_FRONTEND=noninteractive"}, out: t.log}.run(ctx)
			if ctx.Err() != nil {
				return err
			}
			if err != nil {
				t.note(fmt.Sprintf("skipped %s: %v", pkg, err))
			}
			t.progress(fmt.Sprintf("%d of %d packages", i+1, len(missing)))
		}
	}
	return nil
}

// needed lists what the libraries asked for need, each package once.
func (p peers) needed(by map[string][]string) []string {
	var all []string
	for _, library := range p.asked {
		for _, pkg := range by[library] {
			if !slices.Contains(all, pkg) {
				all = append(all, pkg)
			}
		}
	}
	return all
}

// installPyPI installs what is not there yet, package by package: one that cannot be installed leaves
// a library out, not the others.
func (p peers) installPyPI(ctx context.Context, t *task) error {
	frozen, err := command{argv: []string{p.python, "-m", "pip", "freeze", "--all"}, out: t.log}.output(ctx)
	if err != nil {
		return err
	}
	plain := strings.NewReplacer("_", "-")
	have := strings.Fields(plain.Replace(strings.ToLower(frozen)))
	wanted := slices.DeleteFunc(p.needed(p.Requirements.PyPI), func(requirement string) bool {
		return slices.Contains(have, plain.Replace(strings.ToLower(requirement)))
	})
	for i, requirement := range wanted {
		if err := p.pip(ctx, t, requirement); err != nil {
			if ctx.Err() != nil {
				return err
			}
			t.note(fmt.Sprintf("skipped %s: %v", requirement, err))
		}
		t.progress(fmt.Sprintf("%d of %d packages", i+1, len(wanted)))
	}
	return nil
}

// build builds the adapter modules. One that cannot be built leaves a library out, not the others.
func (p peers) build(ctx context.Context, t *task) error {
	for _, argv := range [][]string{
		{p.python, "matrix/subjects/native/build.py", p.environment.build("native")},
		{p.python, "takehome/build.py"},
	} {
		if err := (command{argv: argv, line: t.note}).run(ctx); err != nil {
			return err
		}
	}
	return nil
}
