package embed_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/cpython/embed"
)

// TestThereIsOneInterpreterInAProcess also tests goroutines that outlive it: a second
// interpreter is not supported, so this is one test.
func TestThereIsOneInterpreterInAProcess(t *testing.T) {
	var deeper, left atomic.Bool
	var refused atomic.Int64
	done := make(chan bool)
	code, err := embed.Run(func() int {
		ns := cpython.Namespace{}
		require.True(t, cpython.WithGIL(func() {
			ns = cpython.NewNamespace()
			defer ns.Close()
			require.NoError(t, ns.Exec("import sys; assert sys.version_info >= (3, 10)"))
		}))

		// Inside of Python, without the GIL at first, when the interpreter is to go.
		inside := make(chan bool)
		go cpython.WithGIL(func() {
			cpython.WithoutGIL(func() {
				close(inside)
				for refused.Load() == 0 { // others come too late from then on
					time.Sleep(time.Millisecond)
				}
				deeper.Store(cpython.WithGIL(func() {}))
			})
			time.Sleep(20 * time.Millisecond)
			ns := cpython.NewNamespace()
			defer ns.Close()
			left.Store(ns.Exec("x = 1") == nil)
		})
		<-inside
		for range 4 {
			go func() {
				for cpython.WithGIL(func() {}) {
				}
				refused.Add(1)
				done <- true
			}()
		}
		return 7
	})
	require.True(t, deeper.Load(), "it was refused though it was inside")
	require.True(t, left.Load(), "the interpreter went while a goroutine was inside")
	for range 4 {
		<-done
	}
	require.NoError(t, err)
	require.Equal(t, 7, code)
	require.False(t, cpython.Running())
	require.False(t, cpython.WithGIL(func() { panic("must not run") }))

	code, err = embed.Run(func() int { panic("must not run") })
	require.ErrorIs(t, err, embed.ErrSecond)
	require.NotZero(t, code)
}
