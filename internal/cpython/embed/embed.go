// Package embed starts a CPython interpreter inside a Go program. Importing it links libpython,
// which an extension module must not do: hence a package of its own.
package embed

/*
#cgo pkg-config: python3-embed
#include "../python.h"
*/
import "C"

import (
	"errors"
	"runtime"
	"sync/atomic"

	"pyobject-preservation/internal/cpython"
)

// ErrSecond is returned by [Run] when it has run before: strategies make their classes
// once in a process, for the first interpreter.
var ErrSecond = errors.New("embed: an interpreter has run in this process already; a second one is not supported")

var ran atomic.Bool

// Run starts an interpreter, calls f without the GIL, and shuts the interpreter
// down again; from then on cpython.WithGIL returns false. It is meant to be called once, from main or TestMain: extension
// state does not survive a second start.
//
// With the build tag cpy3 the interpreter is started and stopped through
// github.com/go-python/cpy3 instead; everything else is the same.
func Run(f func() int) (code int, err error) {
	if ran.Swap(true) {
		return 1, ErrSecond
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	initialize()
	if err := cpython.CheckRuntime(); err != nil {
		return 1, err
	}
	// The main thread gives the GIL up while f runs, so that any goroutine
	// can take it with cpython.WithGIL.
	cpython.WithoutGIL(func() { code = f() })
	cpython.CloseGIL()
	finalize()
	return code, nil
}
