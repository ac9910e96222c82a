package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"pyobject-preservation/internal/record"
)

// describe fills in what does not depend on what was asked for.
func describe(ctx context.Context, f facts) record.Machine {
	m := record.Machine{
		Date:         time.Now().UTC().Format("2006-01-02T15:04:05-07:00"),
		CPU:          processor(),
		Cores:        runtime.NumCPU(),
		Kernel:       firstLine(ctx, "uname", "-r"),
		Go:           firstLine(ctx, "go", "env", "GOVERSION"),
		Python:       f.Version,
		PythonConfig: f.Configuration,
		Compiler:     firstLine(ctx, compiler(), "--version"),
		Commit:       firstLine(ctx, "git", "rev-parse", "--short=10", "HEAD"),
		Valgrind:     firstLine(ctx, "valgrind", "--version"),
	}
	changed, err := command{argv: []string{"git", "status", "--porcelain", "--untracked-files=no"}}.output(ctx)
	m.Dirty = err == nil && changed != ""
	return m
}

func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return strings.Fields(cc)[0]
	}
	return "cc"
}

func firstLine(ctx context.Context, argv ...string) string {
	if _, err := exec.LookPath(argv[0]); err != nil {
		return "unknown"
	}
	text, err := command{argv: argv}.output(ctx)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}

// processor is the processor's name, or the architecture's.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`(?m)^model name[^:]*: (.*)$`).FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return runtime.GOARCH
}

// label names a run: date, processor, Python, commit, and what is unusual about it.
func label(m record.Machine, f facts) string {
	cpu := regexp.MustCompile(`\([^)]*\)|@.*|\bCPU\b|Processor`).ReplaceAllString(m.CPU, "")
	cpu = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(cpu), "-"), "-")
	name := m.Date[:10] + "-" + cpu + "-py" + f.Short + "-" + m.Commit
	if m.Dirty {
		name += "-dirty"
	}
	if m.Narrowed != "" && !m.Peers {
		name += "-" + strings.Join(words(m.Narrowed), "-")
	}
	if m.Quick {
		name += "-quick"
	}
	if m.Peers {
		name += "-peers"
	}
	return name
}

func writeMachine(m record.Machine, path string) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
