// Command session runs the suite's long jobs, each as steps one after the other: it says which step runs,
// how far it is and how long is left, as a bar on a terminal and as lines in a log. The estimates are what
// the same steps took last time on this machine.
//
//	session bench      the main job: matrix, benchmarks, instructions, recorded in results/
//	session peers      the same with the libraries, which it installs and builds
//	session test       all tests
//	session debug      sanitizers, valgrind, a debug build of CPython
//	session all        all tests on every CPython there is
//
// make calls it, in the environment of scripts/with_python.sh. What can be chosen is in the
// environment: LABEL, STRATEGY, PEERS, QUICK, PYTHONS.
//
// An interrupt ends all processes of the session and leaves no result. The exit status is then 130.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

var jobs = map[string]func(context.Context, environment, options, facts) error{
	"bench": func(ctx context.Context, e environment, o options, f facts) error {
		return runBench(ctx, e, options{o.label, o.strategy, "", o.quick}, f, nil, "")
	},
	"peers": runPeers,
	"test":  runTest,
	"debug": func(ctx context.Context, e environment, _ options, _ facts) error { return runDebug(ctx, e) },
	"all":   func(ctx context.Context, e environment, _ options, _ facts) error { return runAll(ctx, e) },
}

func main() {
	if len(os.Args) != 2 || jobs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: session bench | peers | test | debug | all")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1])
	stop()
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "%s: interrupted; nothing is recorded\n", os.Args[1])
	} else if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
	}
	if err != nil {
		os.Exit(status(err))
	}
}

func run(ctx context.Context, job string) error {
	if err := adopt(); err != nil {
		return err
	}
	defer end()
	e, err := readEnvironment()
	if err != nil {
		return err
	}
	f, err := e.facts(ctx)
	if err != nil {
		return err
	}
	return jobs[job](ctx, e, readOptions(), f)
}
