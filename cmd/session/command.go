package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// patience is how long processes have after an interrupt before they are killed.
const patience = 10 * time.Second

// A command is a program to run in a process group of its own, with everything that it needs named.
type command struct {
	argv []string
	env  []string // beside this process's
	dir  string
	// out receives standard output and standard error, stdout instead the former, line instead
	// the lines of the latter, and of both if it is alone.
	out, stdout io.Writer
	line        func(string)
	// progress receives lines that the program writes to the file named by the environment
	// variable PROGRESS: "DONE of TOTAL WHAT".
	progress func(line string)
}

// run runs the command. When ctx ends it interrupts the command's processes, and kills those
// that are left after a while.
func (c command) run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cmd := exec.Command(c.argv[0], c.argv[1:]...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second // then it is not waited for processes below that keep a pipe open
	cmd.Stdout, cmd.Stderr = c.out, c.out
	if c.stdout != nil {
		cmd.Stdout = c.stdout
	}
	var readers readers
	defer readers.wait()
	if c.line != nil {
		w, err := readers.lines(c.line)
		if err != nil {
			return err
		}
		defer w.Close()
		cmd.Stderr = w
		if c.out == nil && c.stdout == nil {
			cmd.Stdout = w
		}
	}
	if c.progress != nil {
		w, err := readers.lines(c.progress)
		if err != nil {
			return err
		}
		defer w.Close()
		cmd.ExtraFiles = []*os.File{w}
		cmd.Env = append(cmd.Env, "PROGRESS=/dev/fd/3")
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", strings.Join(short(c.argv), " "), err)
		}
		return nil
	case <-ctx.Done():
		syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		select {
		case <-ended:
		case <-time.After(patience):
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		end() // what is left may have a pipe open
		return ctx.Err()
	}
}

// output runs the command and returns what it writes to standard output.
func (c command) output(ctx context.Context) (string, error) {
	var b strings.Builder
	c.stdout = &b
	err := c.run(ctx)
	return b.String(), err
}

// short is an argument list for a message: what is long or has several lines is cut.
func short(argv []string) []string {
	var s []string
	for _, a := range argv {
		first, _, more := strings.Cut(a, "\n")
		if len(first) > 60 {
			first, more = first[:60], true
		}
		if more {
			first += "..."
		}
		s = append(s, first)
	}
	return s
}

// readers reads the pipes of a process.
type readers struct{ done []chan struct{} }

func (r *readers) lines(each func(string)) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	r.done = append(r.done, done)
	go func() {
		defer close(done)
		defer read.Close()
		for s := bufio.NewScanner(read); s.Scan(); {
			each(s.Text())
		}
	}()
	return write, nil
}

func (r *readers) wait() {
	for _, done := range r.done {
		<-done
	}
}
