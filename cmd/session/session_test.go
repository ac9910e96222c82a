package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pyobject-preservation/internal/record"
)

// TestMain runs a session instead of the tests where a test starts this program again.
func TestMain(m *testing.M) {
	if script := os.Getenv("SESSION_TEST"); script != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		if err := adopt(); err != nil {
			panic(err)
		}
		b := &bench{Machine: record.Machine{Label: "interrupted"}}
		err := func() error {
			defer end()
			release, err := b.claim()
			if err != nil {
				return err
			}
			defer release()
			return newSession("test", "", os.Stdout).run(ctx, []step{{"waiting", 1, execute(command{argv: []string{"bash", "-c", script}})}})
		}()
		if err != nil {
			fmt.Println(err)
			os.Exit(status(err))
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fake is a session with a clock of its own, which steps advance.
type fake struct {
	*session
	log   bytes.Buffer
	lines []string
	time  time.Time
}

func (f *fake) start()           {}
func (f *fake) stop()            {}
func (f *fake) line(text string) { f.lines = append(f.lines, text) }

func newFake(t *testing.T) *fake {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	f := &fake{time: time.Unix(0, 0)}
	f.session = newSession("test", "3.11", &f.log)
	f.screen, f.now, f.begun = f, func() time.Time { return f.time }, f.time
	return f
}

func (f *fake) lasts(seconds int) func(context.Context, *task) error {
	return func(context.Context, *task) error {
		f.time = f.time.Add(time.Duration(seconds) * time.Second)
		return nil
	}
}

func TestEstimatesAreWhatStepsTookLastTime(t *testing.T) {
	f := newFake(t)
	steps := []step{{"first", 10, f.lasts(20)}, {"second", 100, f.lasts(150)}, {"third", 30, f.lasts(30)}}
	require.NoError(t, f.run(t.Context(), steps))
	assert.Equal(t, []string{
		"test: [1/3] first (about 2:20 left)", "test:       ok, 0:20",
		"test: [2/3] second (about 4:20 left)", // twice as long as expected, as the first one
		"test:       ok, 2:30",
		"test: [3/3] third (about 0:46 left)", "test:       ok, 0:30"}, f.lines)

	cache := os.Getenv("XDG_CACHE_HOME")
	again := newFake(t)
	t.Setenv("XDG_CACHE_HOME", cache)
	again.times = readTimes()
	steps = []step{{"first", 10, again.lasts(20)}, {"second", 100, again.lasts(150)}, {"third", 30, again.lasts(30)}}
	require.NoError(t, again.run(t.Context(), steps))
	assert.Contains(t, again.lines[0], "about 3:20 left")
	assert.Contains(t, again.lines[2], "about 3:00 left")
	assert.Equal(t, strings.ReplaceAll(strings.Join(again.lines, "\n")+"\n", "test: ", ""), again.log.String())
}

func TestTimesThatAreNotOurs(t *testing.T) {
	for _, text := range []string{"", "null", "[1]", `{"a": "b"}`} {
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		file := readTimes().file
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		times := readTimes()
		times.took("a", 3)
		assert.Equal(t, map[string]float64{"a": 3}, readTimes().seconds, text)
	}
	t.Setenv("XDG_CACHE_HOME", "/proc/nowhere")
	readTimes().took("a", 3) // nothing happens
}

func TestAProgramSaysHowFarItIs(t *testing.T) {
	f := newFake(t)
	require.NoError(t, f.run(t.Context(), []step{{"long", 10, func(ctx context.Context, t *task) error {
		f.time = f.time.Add(30 * time.Second)
		t.progress("1.5 of 6 rounds")
		t.progress("something else")
		return nil
	}}, {"short", 20, f.lasts(1)}}))
	assert.Equal(t, []string{"test: [1/2] long (about 0:30 left)", "test:       1.5 of 6 rounds; about 1:50 left in all",
		"test:       something else", "test:       ok, 0:30"}, f.lines[:4])
}

func TestAFailureEndsTheSession(t *testing.T) {
	f := newFake(t)
	err := f.run(t.Context(), []step{
		{"fails", 1, execute(command{argv: []string{"sh", "-c", "seq 70; echo sorry >&2; exit 3"}})},
		{"never", 1, func(context.Context, *task) error { panic("run") }}})
	assert.ErrorContains(t, err, "exit status 3")
	assert.Equal(t, 3, status(err))
	shown := strings.Split(f.lines[1], "\n")
	assert.Equal(t, "sorry", shown[59])
	assert.Equal(t, "12", shown[0], "the last 60 lines")
	assert.Contains(t, f.lines[2], "FAILED, 0:00: fails")
	assert.Contains(t, f.log.String(), "\n1\n2\n")
}

func TestOrGoesOn(t *testing.T) {
	f := newFake(t)
	var failed []string
	steps := []step{{"bad", 1, func(context.Context, *task) error { return errors.New("no") }}, {"good", 1, f.lasts(1)}}
	require.NoError(t, f.each(t.Context(), steps, func(st step, err error) error {
		failed = append(failed, st.name+": "+err.Error())
		return nil
	}))
	assert.Equal(t, []string{"bad: no"}, failed)
	assert.Equal(t, "test:       ok, 0:01", f.lines[len(f.lines)-1])
}

func TestSummary(t *testing.T) {
	for output, want := range map[string]string{
		"....\n5 passed, 2 skipped in 0.3s\n":                                       "5 passed, 2 skipped",
		"1 passed in 1s\n==== 631 passed, 209 skipped, 161 xfailed in 9.97s ====\n": "631 passed, 209 skipped, 161 xfailed",
		"SKIPPED [1] a/test_page.py:19: no Chromium\n1 skipped in 0.01s\n":          "1 skipped: no Chromium",
		"ok  \tpyobject-preservation/bench\t0.1s\n":                                 "",
	} {
		assert.Equal(t, want, summary(output))
	}
}

func TestCommand(t *testing.T) {
	var lines, progress []string
	out := &tail{}
	err := command{argv: []string{"sh", "-c", `echo to out; echo to err >&2; echo "1 of 2" >>$PROGRESS; echo $A; pwd; exit 7`},
		env: []string{"A=b"}, dir: "/", out: out,
		line: func(s string) { lines = append(lines, s) }, progress: func(s string) { progress = append(progress, s) }}.run(t.Context())
	assert.Equal(t, 7, status(err))
	assert.Equal(t, "to out\nb\n/\n", out.String())
	assert.Equal(t, []string{"to err"}, lines)
	assert.Equal(t, []string{"1 of 2"}, progress)
	assert.ErrorContains(t, command{argv: []string{"nosuch-program"}}.run(t.Context()), "nosuch-program")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, 130, status(command{argv: []string{"sh", "-c", "exit 1"}}.run(ended)))
}

// TestInterrupt: whatever the processes do, none is left, nor what was being written.
func TestInterrupt(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("finding orphans needs Linux")
	}
	program, err := filepath.Abs(os.Args[0])
	require.NoError(t, err)
	for name, script := range map[string]string{
		"ends":                 "echo ready; sleep 1234.5",
		"a session of its own": "setsid sleep 1234.5 & echo ready; wait",
		"an orphan":            "(setsid sleep 1234.5 &) ; echo ready; sleep 1234.5",
		"finishes first":       "trap 'sleep 0.3; exit 0' INT; echo ready; sleep 1234.5 & wait; sleep 1234.5",
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(program)
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), "SESSION_TEST="+script, "XDG_CACHE_HOME="+t.TempDir())
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			said := make([]byte, 4096)
			for n := 0; !strings.Contains(string(said[:n]), "ready"); {
				got, err := out.Read(said[n:])
				require.NoError(t, err)
				n += got
			}
			assert.DirExists(t, cmd.Dir+"/results/.partial-interrupted")
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			assert.Equal(t, 130, exitStatus(cmd.Wait()))
			left, _ := os.ReadDir(cmd.Dir + "/results")
			assert.Empty(t, left)
			assert.NotContains(t, commandLines(), "sleep\x001234.5")
		})
	}
}

func exitStatus(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

func commandLines() string {
	var all strings.Builder
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range paths {
		text, _ := os.ReadFile(path) // one that has ended has none
		all.Write(text)
	}
	return all.String()
}

func TestOneRunWritesALabel(t *testing.T) {
	t.Chdir(t.TempDir())
	claim := func(label string) (func(), error) { return (&bench{Machine: record.Machine{Label: label}}).claim() }
	for _, label := range []string{"../up", "a/b", "", ".hidden", "a b"} {
		_, err := claim(label)
		assert.ErrorContains(t, err, "cannot name a folder", label)
	}
	require.NoError(t, os.MkdirAll("results/there", 0o755))
	_, err := claim("there")
	assert.ErrorContains(t, err, "exists already")

	require.NoError(t, os.MkdirAll("results/.partial-one/left by a crash", 0o755))
	release, err := claim("one")
	require.NoError(t, err)
	_, err = claim("one")
	assert.ErrorContains(t, err, "another run is writing results/one")
	files, err := os.ReadDir("results/.partial-one")
	require.NoError(t, err)
	assert.Empty(t, files)
	release()
	release, err = claim("one")
	require.NoError(t, err)
	release()
	assert.NoDirExists(t, "results/.partial-one")
}

func TestLabel(t *testing.T) {
	m := record.Machine{Date: "2026-11-26T03:48:59+00:00", CPU: "Intel(R) Xeon(R) Processor @ 2.80GHz", Commit: "cd885b9469"}
	f := facts{Short: "3.11"}
	assert.Equal(t, "2026-11-26-intel-xeon-py3.11-cd885b9469", label(m, f))
	m.Dirty, m.Narrowed, m.Quick = true, "naive preserve", true
	assert.Equal(t, "2026-11-26-intel-xeon-py3.11-cd885b9469-dirty-naive-preserve-quick", label(m, f))
	m.Peers = true
	assert.Equal(t, "2026-11-26-intel-xeon-py3.11-cd885b9469-dirty-quick-peers", label(m, f))
}

func TestKnown(t *testing.T) {
	names, err := known("strategy", " naive,preserve ", []string{"naive", "preserve"})
	require.NoError(t, err)
	assert.Equal(t, []string{"naive", "preserve"}, names)
	_, err = known("strategy", "nosuch", []string{"naive", "preserve"})
	assert.EqualError(t, err, `no strategy is called "nosuch"; there are naive, preserve`)
}

func TestInvalidAccesses(t *testing.T) {
	log := `==1== Invalid read of size 8
==1==    at 0x1: pp_release (module.c:33)
==1== Invalid read of size 8
==1==    at 0x2: runtime.scanobject (mgcmark.go:12)
==1== Invalid write of size 8
==1==    at 0x3: x_cgo_init (gcc_libinit.c:4)
`
	assert.Equal(t, []string{"==1== Invalid read of size 8", "==1==    at 0x1: pp_release (module.c:33)"}, invalidAccesses(log))
}

func TestInterpreters(t *testing.T) {
	// Not a virtual environment's.
	python, err := command{argv: []string{"python3", "-c", "import sys; print(sys._base_executable)"}}.output(t.Context())
	if err != nil {
		t.Skip("there is no python3")
	}
	python = strings.TrimSpace(python)
	t.Setenv("PYTHONS", python+" "+python+" nosuch-python")
	found, failed := environment{root: t.TempDir()}.interpreters(t.Context())
	require.Len(t, found, 1)
	assert.Regexp(t, `^3\.\d+\.\d+[td]*$`, found[0].version)
	assert.Equal(t, []string{"nosuch-python is no CPython from 3.10 on, or does not run"}, failed)
	assert.True(t, interpreter{version: "3.14.8"}.is("3.14"))
	assert.False(t, interpreter{version: "3.14.8t"}.is("3.14"))
	assert.True(t, interpreter{version: "3.14.8t"}.freeThreaded())
}

func TestTheTableOfAll(t *testing.T) {
	a := all{cells: map[[2]string]string{{"3.14.8", "model"}: "passed (9 passed)", {"3.14.8", "as free-threaded"}: "compiled, not run"}}
	table := a.table([]interpreter{{version: "3.14.8"}})
	assert.Equal(t, []string{
		"| CPython | package, harness | model | matrix | kit | take-home | Go | Go, cpy3 |",
		"|---|---|---|---|---|---|---|---|",
		"| 3.14.8 |  | passed (9 passed) |  |  |  |  |  |",
		"| 3.14.8t, headers only | compiled, not run | | | | | | |", ""}, strings.Split(table, "\n"))
}

func TestTheBar(t *testing.T) {
	var out bytes.Buffer
	b := &bar{out: &out, width: 90, state: func() (string, float64, float64) { return "[2/3] the correctness matrix", 30, 90 }}
	b.start()
	b.show()
	b.line("a line")
	b.stop()
	b.show() // after the end nothing is drawn
	assert.Contains(t, out.String(), "[2/3] the correctness matrix, about 1:30 left")
	assert.Contains(t, out.String(), "24%")
	assert.Contains(t, out.String(), "\ra line\n")
}
