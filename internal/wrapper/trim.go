package wrapper

/*
#include "methods.h"

#include <sys/mman.h>
#include <unistd.h>

// Elsewhere the memory stays with the process, for other headers: MADV_DONTNEED need not zero it.
static void
pp_give_back(void *slab)
{
#ifdef __linux__
	size_t page = sysconf(_SC_PAGESIZE);

	madvise(slab, offsetof(pp_slab, number) / page * page, MADV_DONTNEED);
#endif
}
*/
import "C"

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"unsafe"

	"pyobject-preservation/internal/slots"
	"pyobject-preservation/native"
)

// leastSlabs is how many empty slabs are given back at least. A process that has never had so many
// does none of what follows.
const leastSlabs = C.PP_LEAST_SLABS

const objectBytes = int64(unsafe.Sizeof(native.Object{}))

var (
	trimming sync.Mutex  // held by the one trim; in a forked process for ever
	disarmed atomic.Bool // the process is about to end
	returned int64       // deletions when Go last returned its memory; trimming guards it
)

// trim gives the memory of slabs without objects back to the system, and returns their number.
// Nothing writes to a header of theirs, and newHeader gets none meanwhile: see [slots.Table.Trim].
// C code that reads one by a stale handle finds zeros, which name no object. The caller holds
// trimming.
func trim() int {
	return objects.Trim(leastSlabs, func(number uint32) { C.pp_give_back(unsafe.Pointer(loadSlab(number))) })
}

// trimAfterCollection has trim called after the next collection of Go's, and after each later one.
// It needs no attached thread; but spare objects keep their slabs.
func trimAfterCollection() {
	runtime.AddCleanup(&struct{ p *int }{}, func(struct{}) {
		if trimming.TryLock() {
			trim()
			trimming.Unlock()
		}
		trimAfterCollection()
	}, struct{}{})
}

// ppGoCollected is called, attached, in each full collection of Python's. When most slots are
// unused, it destroys the spare objects of this thread, which may be in any slab, and returns the
// memory of headers, table and Go objects to the system.
//
//export ppGoCollected
func ppGoCollected(index C.int) {
	if disarmed.Load() || !trimming.TryLock() {
		return
	}
	defer trimming.Unlock()
	state := bindings[index].table.state
	if used, all, _ := objects.Counts(); all >= 2*(used-int64(C.pp_idle(state))) {
		finish(C.pp_take_idle(state))
	}
	gone := trim()
	_, _, deletes := objects.Counts()
	garbage := (deletes-returned)*objectBytes + int64(gone)*slots.SlabBytes
	if garbage >= max(leastSlabs*slots.SlabSize*objectBytes, goHeap()/4) {
		returned = deletes
		debug.FreeOSMemory()
	}
}

// goHeap is the size of what is on Go's heap, garbage included, in bytes.
func goHeap() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// PauseTrims returns when no memory is being given back, and none is until ResumeTrims.
func PauseTrims() { trimming.Lock() }

// ResumeTrims ends what PauseTrims has begun.
func ResumeTrims() { trimming.Unlock() }
