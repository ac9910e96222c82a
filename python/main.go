// Command python is the extension module pyobject_preservation._core: every
// registered strategy in one c-shared library, because two Go runtimes in one
// process interfere. It does not link libpython, which is in the interpreter
// that imports it.
//
//	go build -buildmode=c-shared -ldflags=-X=runtime.godebugDefault=asyncpreemptoff=1 \
//		-o python/pyobject_preservation/_core.<suffix>.so ./python
//
// The runtime sends itself no SIGURG then, see signals.c.
package main

/*
#cgo pkg-config: python3
// For `go build ./...`, which links this as a program, without an interpreter.
#cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-all
#include "../internal/cpython/python.h"
#include <stdlib.h>
*/
import "C"

import (
	"encoding/json"
	"math"
	"runtime"
	"runtime/debug"

	_ "pyobject-preservation/bench"
	"pyobject-preservation/internal/cpython" // its header, too: see internal/wrapper/embed.go
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
	"pyobject-preservation/strategies"
)

// ppGoDeclarations is what every reference and every strategy says about itself for this
// CPython, in suite order, as JSON, to be freed by the caller. References have "lacks".
//
//export ppGoDeclarations
func ppGoDeclarations() *C.char {
	type declared struct {
		strategies.Declaration
		Lacks map[string]string `json:"lacks"`
	}
	var all []declared
	for _, s := range strategies.Measured() {
		all = append(all, declared{s.Declaration().On(cpython.BuiltFor()), s.Lacks})
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return C.CString(string(text))
}

// ppGoModule is a new reference to the module of the strategy or reference of this name.
// nil when it could not be made, or when there is no such strategy: then known stays 0.
//
//export ppGoModule
func ppGoModule(name *C.char, known *C.int) *C.PyObject {
	for _, s := range strategies.Measured() {
		if s.Declaration().Name == C.GoString(name) {
			*known = 1
			return (*C.PyObject)(wrapper.Attach(s.Strategy).NewModule())
		}
	}
	return nil
}

//export ppGoDisarm
func ppGoDisarm() { wrapper.Disarm() }

//export ppGoWatchForks
func ppGoWatchForks() { wrapper.WatchForks() }

//export ppGoForked
func ppGoForked() bool { return wrapper.Forked() }

// ppGoLockMemory is native.LockMemory, as a number: C code must not keep a Go pointer, but this
// memory does not move.
//
//export ppGoLockMemory
func ppGoLockMemory(size *C.size_t) C.uintptr_t {
	address, n := native.LockMemory()
	*size = C.size_t(n)
	return C.uintptr_t(uintptr(address))
}

// beforeFork is what was set before the fork that is under way; fork.c ensures that there
// is one at a time.
var beforeFork struct {
	percent, procs int
	limit          int64
}

// ppGoBeforeFork prepares the runtime for a child that has the calling thread only. What
// other threads are doing when the process is forked stays half-done there, for ever. So the
// collector has finished and is off, and so is the memory limit, which would turn it on
// again; free memory has been returned to the system; and Go has more processors than threads
// that could be inside Go at once: a call into Go that finds none free hangs.
//
//export ppGoBeforeFork
func ppGoBeforeFork() {
	wrapper.PauseTrims()
	beforeFork.percent = debug.SetGCPercent(-1)
	beforeFork.limit = debug.SetMemoryLimit(math.MaxInt64)
	beforeFork.procs = runtime.GOMAXPROCS(0)
	debug.FreeOSMemory()
	runtime.GOMAXPROCS(beforeFork.procs + C.PP_CHILD_PROCESSORS)
}

//export ppGoAfterFork
func ppGoAfterFork() {
	debug.SetMemoryLimit(beforeFork.limit)
	debug.SetGCPercent(beforeFork.percent)
	runtime.GOMAXPROCS(beforeFork.procs)
	wrapper.ResumeTrims()
}

func main() {}
