package wrapper

/*
#cgo pkg-config: python3
#cgo CFLAGS: -std=gnu11 -fvisibility=hidden
#include "methods.h"
#include <stdlib.h>

static void
pp_drop_callback(const pp_strategy *strategy, pp_header *h)
{
	pp_drop_later(strategy, pp_take_callback(h));
}

// A slab of zeroed headers, followed by an array with a callback pointer for each. It is
// aligned to the headers' total size, so that C finds the array by masking a header's
// address. Unused pages of the array are never touched. Not aligned_alloc, which
// requires a multiple of the alignment.
static void *
pp_new_slab(void)
{
	void *memory;

	if (posix_memalign(&memory, PP_SLAB_BYTES, PP_SLAB_MEMORY))
		return NULL;
	return memset(memory, 0, PP_SLAB_BYTES);
}

*/
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"pyobject-preservation/internal/slots"
	"pyobject-preservation/native"
)

// objects maps handles to Go objects, for C code. It also keeps the objects
// reachable: Go's collector does not see native references that C code holds.
var objects slots.Table[native.Object]

// Object is the native object with the given handle, or nil. The caller owns a reference to
// it. From then on C code does not reuse the object: see pp_finish.
func Object(handle uint64) *native.Object {
	o := objects.Get(handle)
	if o != nil {
		o.Begun()
		if flags := &o.Header().Flags; atomic.LoadUint32(flags)&C.PP_SHOWN == 0 {
			atomic.OrUint32(flags, C.PP_SHOWN)
		}
	}
	return o
}

// Find is Object for callers that own no reference, or keep no pointer. The object may be a
// spare one, which [native.Object.Acquire] refuses.
func Find(handle uint64) *native.Object { return objects.Get(handle) }

// A header is in C memory, at the index of its object's slot: so headers need
// no free list of their own. Slabs are never freed: C code may read a header
// for as long as the process lives, even if another object has it by then, or
// its memory has been given back (trim) and reads as zeros.
var (
	slabs  = (*[slots.MaxSlabs]unsafe.Pointer)(unsafe.Pointer(&C.pp_slabs)) // each atomic
	slabMu sync.Mutex
)

type slab = [slots.SlabSize]native.Header

func loadSlab(i uint32) *slab { return (*slab)(atomic.LoadPointer(&slabs[i])) }

func headerAt(handle uint64) *native.Header {
	slot := uint32(handle)
	headers := loadSlab(slot >> slots.SlabBits)
	if headers == nil {
		headers = newSlab(slot >> slots.SlabBits)
	}
	return &headers[slot&(slots.SlabSize-1)]
}

func newSlab(i uint32) *slab {
	slabMu.Lock()
	defer slabMu.Unlock()
	if headers := loadSlab(i); headers != nil {
		return headers
	}
	memory := C.pp_new_slab()
	if memory == nil {
		panic("wrapper: out of memory for native headers")
	}
	atomic.StorePointer(&slabs[i], memory)
	if i == leastSlabs-1 {
		trimAfterCollection()
	}
	return (*slab)(memory)
}

func newHeader(o *native.Object) *native.Header {
	handle := objects.Put(o)
	h := headerAt(handle)
	*h = native.Header{Handle: handle, Flags: C.PP_SHOWN} // Go code has the pointer, unless it is spare
	return h
}

func (b *Binding) freeHeader(_ *native.Object, h *native.Header) {
	// lt_quiet, without a call into C: before the header can belong to another object.
	for bits := (*uint32)(unsafe.Pointer(&cHeader(h).slot.bits)); atomic.LoadUint32(bits)&C.LT_LOCKED != 0; {
		runtime.Gosched()
	}
	if atomic.LoadUint32(&h.Flags)&C.PP_HAS_CALLBACK != 0 {
		// On any goroutine, but no other thread can reach the object any more.
		C.pp_drop_callback(b.table, cHeader(h))
	}
	objects.Delete(h.Handle)
}

func cHeader(h *native.Header) *C.pp_header { return (*C.pp_header)(unsafe.Pointer(h)) }
