package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A step is a part of a session.
type step struct {
	name    string
	seconds float64 // what it takes on two cores, as long as this machine has not shown it
	run     func(ctx context.Context, t *task) error
}

// A session runs steps one after the other, and says which one, how far it is and how long is left.
type session struct {
	name   string // "test", "bench": what its lines begin with, and a part of the steps' keys
	setup  string // what the times of its steps depend on, too: interpreter, extent
	log    io.Writer
	screen screen
	times  *times
	now    func() time.Time
	begun  time.Time

	mu    sync.Mutex
	steps []step
	at    int // the step that runs
	task  *task
	// Of the steps that have run for the first time: what they were expected to take, and took.
	expected, measured float64
}

// A task is a step that runs.
type task struct {
	*session
	begun time.Time
	left  func(ran float64) float64 // seconds, if the step knows better than its time of last time
	done  string                    // what is to be said of it when it has passed
}

func newSession(name, setup string, log io.Writer) *session {
	s := &session{name: name, setup: setup, log: log, times: readTimes(), now: time.Now}
	s.screen = newScreen(os.Stderr, s.state)
	s.begun = s.now()
	return s
}

// run runs the steps until one fails.
func (s *session) run(ctx context.Context, steps []step) error {
	return s.each(ctx, steps, func(st step, err error) error { return err })
}

// each runs the steps; failed decides whether the failure of one ends the session.
func (s *session) each(ctx context.Context, steps []step, failed func(step, error) error) error {
	s.mu.Lock()
	s.steps = steps
	s.mu.Unlock()
	s.screen.start()
	defer s.screen.stop()
	for i, st := range steps {
		t := &task{session: s, begun: s.now()}
		s.mu.Lock()
		s.at, s.task = i, t
		s.mu.Unlock()
		s.say("[%d/%d] %s (about %s left)", i+1, len(steps), st.name, clock(s.left()))
		err := st.run(ctx, t)
		ran := s.now().Sub(t.begun).Seconds()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.say("      FAILED, %s: %s", clock(ran), st.name)
			if err := failed(st, err); err != nil {
				return err
			}
			continue
		}
		s.mu.Lock()
		if _, known := s.times.seconds[s.key(st)]; !known && st.seconds > 0 {
			s.expected += st.seconds
			s.measured += ran
		}
		s.times.took(s.key(st), ran)
		s.mu.Unlock()
		if t.done != "" {
			t.done = ": " + t.done
		}
		s.say("      ok, %s%s", clock(ran), t.done)
	}
	return nil
}

func (s *session) key(st step) string { return s.name + " " + s.setup + " " + st.name }

// estimate is what a step takes: what it took last time on this machine, else what it takes on two
// cores, times what the steps before it took more than that.
func (s *session) estimate(st step) float64 {
	if seconds, ok := s.times.seconds[s.key(st)]; ok {
		return seconds
	}
	if s.expected > 0 {
		return st.seconds * s.measured / s.expected
	}
	return st.seconds
}

// left is how many seconds the step that runs and those after it will take.
func (s *session) left() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := 0.0
	for _, st := range s.steps[min(s.at+1, len(s.steps)):] {
		left += s.estimate(st)
	}
	if s.task == nil {
		return left
	}
	ran := s.now().Sub(s.task.begun).Seconds()
	if s.task.left != nil {
		return left + max(s.task.left(ran), 0)
	}
	return left + max(s.estimate(s.steps[s.at])-ran, 0)
}

// state is what a screen shows: the step, seconds since the beginning, seconds left.
func (s *session) state() (name string, ran, left float64) {
	s.mu.Lock()
	if s.task != nil {
		name = fmt.Sprintf("[%d/%d] %s", s.at+1, len(s.steps), s.steps[s.at].name)
	}
	s.mu.Unlock()
	return name, s.now().Sub(s.begun).Seconds(), s.left()
}

// say writes a line to the log and to the screen.
func (s *session) say(format string, a ...any) {
	line := fmt.Sprintf(format, a...)
	fmt.Fprintln(s.log, line)
	s.screen.line(s.name + ": " + line)
}

// note writes a line of a step's.
func (t *task) note(line string) { t.say("      %s", line) }

// progress takes a line "DONE of TOTAL WHAT" from a program: from it follows how long is left.
func (t *task) progress(line string) {
	var done, total float64
	if n, _ := fmt.Sscanf(line, "%g of %g", &done, &total); n != 2 || done <= 0 || total < done {
		t.note(line)
		return
	}
	at := t.now().Sub(t.begun).Seconds()
	t.mu.Lock()
	t.left = func(ran float64) float64 { return at/done*total - ran }
	t.mu.Unlock()
	t.note(fmt.Sprintf("%s; about %s left in all", line, clock(t.session.left())))
}

// execute returns a step's work: commands one after the other, whose output goes to the log, and of
// which the end is shown when one fails.
func execute(commands ...command) func(context.Context, *task) error {
	return func(ctx context.Context, t *task) error {
		for _, c := range commands {
			tail := &tail{}
			c.out = io.MultiWriter(t.log, tail)
			if err := c.run(ctx); err != nil {
				if ctx.Err() == nil {
					t.screen.line(tail.last(60))
				}
				return err
			}
			if said := summary(tail.String()); said != "" {
				t.done = said
			}
		}
		return nil
	}
}

// summary is what a test runner says last of a run.
func summary(output string) string {
	found := regexp.MustCompile(`(?m)^(?:=+ )?(\d+ (?:passed|skipped)(?:, \d+ [a-z]+)*)`).FindAllStringSubmatch(output, -1)
	if len(found) == 0 {
		return ""
	}
	said := found[len(found)-1][1]
	if !strings.Contains(said, "passed") {
		if why := regexp.MustCompile(`(?m)^SKIPPED .*py(?::\d+)?: (.*)`).FindStringSubmatch(output); why != nil {
			said += ": " + why[1]
		}
	}
	return said
}

// tail keeps what is written to it.
type tail struct {
	mu sync.Mutex
	strings.Builder
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Builder.Write(p)
}

func (t *tail) last(lines int) string {
	all := strings.Split(strings.TrimRight(t.String(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// clock is a number of seconds as minutes and seconds.
func clock(seconds float64) string {
	s := int(seconds + 0.5)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// openLog opens a log below .build, where all output of a session goes.
func openLog(parts ...string) (*os.File, error) {
	name := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	return os.Create(name)
}

// status is the exit status for an error: of a command that failed its own, as shells have it.
func status(err error) int {
	if errors.Is(err, context.Canceled) {
		return 130
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode()
	}
	return 1
}
