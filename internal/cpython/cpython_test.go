package cpython_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/cpython/embed"
)

var runningBefore bool

func TestMain(m *testing.M) {
	runningBefore = cpython.Running()
	code, err := embed.Run(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// python runs a test with the GIL and an empty namespace.
func python(t *testing.T, f func(n cpython.Namespace)) {
	cpython.WithGIL(func() {
		n := cpython.NewNamespace()
		defer n.Close()
		f(n)
		require.NoError(t, cpython.TakeError(), "an exception was left behind")
	})
}

func TestAnInterpreterRunsOnlyInsideRun(t *testing.T) {
	require.False(t, runningBefore)
	require.True(t, cpython.Running())
}

func TestHeadersAndRuntimeAgree(t *testing.T) {
	cpython.WithGIL(func() { require.NoError(t, cpython.CheckRuntime()) })
	require.True(t, strings.HasPrefix(cpython.Version(), strings.TrimRight(cpython.BuiltFor(), "td")+"."),
		"built for %s, running %s", cpython.BuiltFor(), cpython.Version())
}

func TestNamespaceKeepsWhatIsBound(t *testing.T) {
	python(t, func(n cpython.Namespace) {
		require.Nil(t, n.Get("x"))
		require.NoError(t, n.Exec("x = object()"))
		x := n.Get("x")
		require.NotNil(t, x)
		require.Equal(t, 1, cpython.RefCount(x), "Get borrows")
		n.Set("y", x)
		require.Equal(t, 2, cpython.RefCount(x), "Set takes a reference of its own")
		same, err := n.Truth("x is y and len([x, y]) == 2")
		require.NoError(t, err)
		require.True(t, same, "the builtins are there")
	})
}

func TestClosingANamespaceFreesWhatOnlyItHolds(t *testing.T) {
	python(t, func(n cpython.Namespace) {
		require.NoError(t, n.Exec("deaths = []\nclass C:\n  def __del__(self): deaths.append(1)"))
		inner := cpython.NewNamespace()
		inner.Set("C", n.Get("C"))
		require.NoError(t, inner.Exec("c = C()"))
		inner.Close()
		dead, err := n.Truth("deaths == [1]")
		require.NoError(t, err)
		require.True(t, dead)
	})
}

func TestEvalReturnsANewReference(t *testing.T) {
	python(t, func(n cpython.Namespace) {
		require.NoError(t, n.Exec("x = object()"))
		x, err := n.Eval("x")
		require.NoError(t, err)
		require.Equal(t, n.Get("x"), x)
		require.Equal(t, 2, cpython.RefCount(x))
		cpython.IncRef(x)
		require.Equal(t, 3, cpython.RefCount(x))
		cpython.DecRef(x)
		cpython.DecRef(x)
		require.Equal(t, 1, cpython.RefCount(x))
	})
}

func TestExceptionsAreGoErrors(t *testing.T) {
	python(t, func(n cpython.Namespace) {
		for source, want := range map[string]string{
			"1 / 0":                  "ZeroDivisionError: division by zero",
			"raise KeyError('a')":    "KeyError: 'a'",
			"raise ValueError('ä€')": "ValueError: ä€",
			"raise RuntimeError":     "RuntimeError: ",
			"class E(Exception):\n  def __str__(self): return 1 / 0\nraise E": "E: (no text)",
		} {
			err := n.Exec(source)
			var python *cpython.Error
			require.ErrorAs(t, err, &python, source)
			require.Equal(t, want, python.Text)
			require.Equal(t, "python: "+want, err.Error())
		}
		require.ErrorContains(t, n.Exec("no statement at all"), "SyntaxError")
		_, err := n.Eval("x = 1")
		require.ErrorContains(t, err, "SyntaxError", "a statement is not an expression")
		_, err = n.Truth("unknown")
		require.ErrorContains(t, err, "NameError")
		require.NoError(t, n.Exec("class T:\n  def __bool__(self): raise OSError('no')"))
		_, err = n.Truth("T()")
		require.ErrorContains(t, err, "OSError: no")
		require.NoError(t, cpython.TakeError(), "each has been taken away")
	})
}

func TestGILMayBeTakenAgain(t *testing.T) {
	python(t, func(n cpython.Namespace) {
		cpython.WithGIL(func() {
			cpython.WithGIL(func() { require.NoError(t, n.Exec("x = 1")) })
			require.NotNil(t, n.Get("x"))
		})
		require.NoError(t, n.Exec("x += 1"))
	})
}

func TestOthersRunPythonWhileTheGILIsGivenUp(t *testing.T) {
	python(t, func(n cpython.Namespace) {
		done := make(chan error)
		go cpython.WithGIL(func() { done <- nil })
		cpython.WithoutGIL(func() { require.NoError(t, <-done) })
		require.NoError(t, n.Exec("x = 1"), "and we have it again")
	})
}

func TestManyGoroutinesTakeTurns(t *testing.T) {
	var n cpython.Namespace
	cpython.WithGIL(func() {
		n = cpython.NewNamespace()
		require.NoError(t, n.Exec("x = 0"))
	})
	var all sync.WaitGroup
	errs := make(chan error, 8*200)
	for range 8 {
		all.Go(func() {
			for range 200 {
				cpython.WithGIL(func() { errs <- n.Exec("x += 1") })
			}
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	cpython.WithGIL(func() {
		defer n.Close()
		whole, err := n.Truth("x > 0")
		require.NoError(t, err)
		require.True(t, whole)
	})
}
