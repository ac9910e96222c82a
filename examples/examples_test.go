package examples_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// shown is one command of README.md and the output below it.
type shown struct{ command, output string }

var blocks = regexp.MustCompile("(?m)^```sh\n(.+)\n```\n\n```text\n((?:.*\n)*?)```$")

func readme(t *testing.T) (all []shown) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, m := range blocks.FindAllStringSubmatch(string(text), -1) {
		all = append(all, shown{m[1], m[2]})
	}
	require.Len(t, all, strings.Count(string(text), "```sh"), "a command without its output, or the other way round")
	return all
}

func TestEveryExampleIsInTheReadme(t *testing.T) {
	var commands strings.Builder
	for _, s := range readme(t) {
		commands.WriteString(s.command + "\n")
	}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) == ".py" {
			require.Contains(t, commands.String(), "examples/"+e.Name())
		}
	}
}

func TestExamplesPrintWhatTheReadmeShows(t *testing.T) {
	dependOnTheTree(t)
	for _, s := range readme(t) {
		t.Run(s.command, func(t *testing.T) {
			cmd := command(t, s.command)
			cmd.Dir = ".."
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			require.NoError(t, err, "%s", stderr.String())
			require.Equal(t, s.output, string(out))
		})
	}
}

// dependOnTheTree stats every file of the module, so that go test's cache
// depends on files that only child processes read.
func dependOnTheTree(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != ".." && (strings.HasPrefix(e.Name(), ".") || e.Name() == "__pycache__"):
			return filepath.SkipDir
		case !e.IsDir():
			os.Stat(path) // if it is gone since, it is not an example
		}
		return nil
	})
	require.NoError(t, err)
}

// command makes a command of the README runnable for the interpreter that the
// tests run for, which need not be the default one.
func command(t *testing.T, line string) *exec.Cmd {
	if rest, ok := strings.CutPrefix(line, "PYTHONPATH=python .venv/bin/python "); ok {
		cmd := exec.Command(python(t), strings.Fields(rest)...)
		cmd.Env = pythonEnv(t)
		return cmd
	}
	if rest, ok := strings.CutPrefix(line, `scripts/with_python.sh "" scripts/go_cpy3.sh `); ok {
		if os.Getenv("PP_TAG") == "" {
			t.Skip("cpy3 needs the environment that make setup makes: run this by scripts/with_python.sh")
		}
		return exec.Command("scripts/go_cpy3.sh", strings.Fields(rest)...)
	}
	rest, ok := strings.CutPrefix(line, "go ")
	require.True(t, ok, "do not know how to run: %s", line)
	return exec.Command("go", strings.Fields(rest)...)
}

// python is the interpreter of the tests' environment, PP_PYTHON, or python3,
// which need not have an extension built for it.
func python(t *testing.T) string {
	if path := os.Getenv("PP_PYTHON"); path != "" {
		return path
	}
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3 on PATH")
	}
	probe := exec.Command(path, "-c", "import pyobject_preservation")
	probe.Env = pythonEnv(t)
	if out, err := probe.CombinedOutput(); err != nil {
		t.Skipf("the extension is not built for %s; make setup builds it: %s", path, out)
	}
	return path
}

func pythonEnv(t *testing.T) []string {
	path, err := filepath.Abs(filepath.Join("..", "python"))
	require.NoError(t, err)
	return append(os.Environ(), "PYTHONPATH="+path)
}
