package wrapper

/*
#include "wrapper.h"
*/
import "C"

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"pyobject-preservation/internal/cpython"
)

// library is a lock such as native libraries have: its owner never attaches.
var library sync.Mutex

// ppGoSynchronize takes and releases the library's lock.
//
//export ppGoSynchronize
func ppGoSynchronize() {
	library.Lock()
	defer library.Unlock()
}

// ppGoReleaseOnGoroutines releases one reference to each of n objects, on several
// goroutines, and returns when they are done if wait is set. The caller does not hold
// the GIL.
//
//export ppGoReleaseOnGoroutines
func ppGoReleaseOnGoroutines(handles *C.uint64_t, n C.Py_ssize_t, goroutines, locked, wait C.int) {
	all := slices.Clone(unsafe.Slice(handles, int(n)))
	var group sync.WaitGroup
	each := (len(all) + int(goroutines) - 1) / int(goroutines)
	for part := range slices.Chunk(all, max(1, each)) {
		group.Go(func() {
			if locked != 0 {
				library.Lock()
				defer library.Unlock()
			}
			for _, handle := range part {
				Object(uint64(handle)).Release()
			}
		})
	}
	if wait != 0 {
		group.Wait()
	}
}

// ppGoRelease releases one reference, on any thread.
//
//export ppGoRelease
func ppGoRelease(handle C.uint64_t) { Object(uint64(handle)).Release() }

// ppGoWrapOnGoroutines uses an object on goroutines, as native code does: see
// the Python method. It returns how many wraps failed. The caller holds a native
// reference, but not the GIL.
//
//export ppGoWrapOnGoroutines
func ppGoWrapOnGoroutines(index C.int, handle C.uint64_t, goroutines, times C.int) C.int {
	b, o := bindings[index], Object(uint64(handle))
	var group sync.WaitGroup
	var failed atomic.Int32
	for range goroutines {
		o.Retain()
		group.Go(func() {
			defer o.Release()
			for range times {
				attached := cpython.WithGIL(func() {
					w, err := b.Wrap(o)
					if err != nil {
						failed.Add(1)
						return
					}
					cpython.DecRef(w)
				})
				if !attached { // the interpreter is being finalized
					failed.Add(1)
					return
				}
				o.Retain()
				o.Release()
			}
		})
	}
	group.Wait()
	return C.int(failed.Load())
}
