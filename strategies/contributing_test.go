package strategies_test

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

var (
	fileBlock = regexp.MustCompile("(?m)^`([a-z/_]+\\.(?:go|c))`:\n\n```(?:go|c)\n((?:.*\n)*?)```$")
	lineBlock = regexp.MustCompile("(?m)^In `(bench/strategies.go)`.*:\n\n```go\n(.*\n)```$")
)

// The walk-through of CONTRIBUTING.md, executed in a copy of the module: its
// files, its one line, and the commands.
func TestContributingWalkthroughWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a copy of the module")
	}
	// In the same place every time, so that the build cache knows it; one place
	// an interpreter, as different ones may be tested at once.
	tree, err := filepath.Abs(filepath.Join("..", ".build", "walkthrough", "for-"+os.Getenv("PP_TAG")))
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(tree))
	require.NoError(t, os.MkdirAll(tree, 0o777))
	t.Cleanup(func() { os.RemoveAll(tree) })
	copyModule(t, "..", tree)
	text, err := os.ReadFile("../CONTRIBUTING.md")
	require.NoError(t, err)

	var written []string
	for _, m := range fileBlock.FindAllStringSubmatch(string(text), -1) {
		path := filepath.Join(tree, m[1])
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(m[2]), 0o666))
		written = append(written, m[1])
	}
	require.Equal(t, []string{"remember/doc.go", "remember/remember.c", "remember/remember.go"}, written)
	line := lineBlock.FindStringSubmatch(string(text))
	require.NotNil(t, line, "the line to register it with")
	list := filepath.Join(tree, line[1])
	old, err := os.ReadFile(list)
	require.NoError(t, err)
	edited := strings.Replace(string(old), "import (\n", "import (\n"+line[2], 1)
	require.NotEqual(t, string(old), edited)
	require.NoError(t, os.WriteFile(list, []byte(edited), 0o666))

	in := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = tree
		cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(tree, "python"))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s %s:\n%s", name, strings.Join(args, " "), out)
		return string(out)
	}
	require.Empty(t, in("gofmt", "-l", "remember"))
	in("go", "vet", "./remember", "./bench")
	in("go", "test", "-run", "TestStrategiesKeepTheirPromises/remember", "./strategies")
	require.Contains(t, in("go", "test", "-run", "^$", "-bench", "WrapLive/strategy=remember$", "-benchtime", "1x", "./bench"),
		"BenchmarkWrapLive/strategy=remember", "it is in the Go benchmarks")

	python, suffix := os.Getenv("PP_PYTHON"), os.Getenv("PP_EXT_SUFFIX")
	if python == "" {
		t.Log("the Python side is left out: make setup makes the environment for it (scripts/with_python.sh)")
		return
	}
	in("go", "build", "-buildmode=c-shared", "-o", "python/pyobject_preservation/_core"+suffix, "./python")
	in(python, "-c", "import pyobject_preservation as pp; assert pp.STRATEGIES[-1] == 'remember'; "+
		"from pyobject_preservation import remember; assert remember.MyClass('x').message() == 'x'")
	in("env", "PP_ROOT="+tree, "STRATEGY=remember", "scripts/matrix.sh", "--lifetimes-json=m.json", "--lifetimes-md=m.md")
	table, err := os.ReadFile(filepath.Join(tree, "m.md"))
	require.NoError(t, err)
	require.Contains(t, string(table), "remember", "it is in the matrix")
}

// copyModule copies what is source: no dot files, recorded runs or built
// extensions.
func copyModule(t *testing.T, from, to string) {
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || rel == "." {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case strings.HasPrefix(e.Name(), "."), e.Name() == "__pycache__", rel == "results":
			if e.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case e.IsDir():
			return os.Mkdir(target, 0o777)
		case filepath.Ext(path) == ".so":
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, info.Mode().Perm())
	})
	require.NoError(t, err)
}
