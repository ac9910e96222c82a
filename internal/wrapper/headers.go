package wrapper

/*
#cgo pkg-config: python3
#cgo CFLAGS: -std=gnu11 -fvisibility=hidden
#include "methods.h"
#include <sys/mman.h>
#include <unistd.h>

static void
pp_drop_callback(const pp_strategy *strategy, pp_header *h)
{
	pp_drop_later(strategy, pp_take_callback(h));
}

// Not from malloc: its memory need not be zeroed, and would be adjacent, so that the kernel might use
// huge pages, which give memory to what is not touched too.
static void *
pp_new_slab(uint32_t number)
{
	const size_t size = 2 * PP_SLAB_ALIGNMENT;
	char *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
	size_t page = sysconf(_SC_PAGESIZE), before, used;

	if (mapped == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)mapped & (PP_SLAB_ALIGNMENT - 1);
	used = before + (sizeof(pp_slab) + page - 1) / page * page;
	if (before > 0)
		munmap(mapped, before);
	munmap(mapped + used, size - used);
	((pp_slab *)(mapped + before))->number = number;
	return mapped + before;
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

func init() { objects.Generations = generations }

// Object is the native object with the given handle, or nil. The caller owns a reference to
// it. From then on C code does not reuse the object: see pp_finish.
func Object(handle uint64) *native.Object {
	o := objects.Get(handle)
	if o != nil {
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
// no free list and no generations of their own. Slabs are never freed: C code may read a header
// for as long as the process lives, even if another object has it by then, or
// its memory has been given back (trim) and reads as zeros.
var (
	slabs  = (*[slots.MaxSlabs]unsafe.Pointer)(unsafe.Pointer(&C.pp_slabs)) // each atomic
	slabMu sync.Mutex
)

func loadSlab(i uint32) *C.pp_slab { return (*C.pp_slab)(atomic.LoadPointer(&slabs[i])) }

// generations are those of a slab, which is made if necessary.
func generations(number uint32) *slots.Generations {
	slabMu.Lock()
	defer slabMu.Unlock()
	s := loadSlab(number)
	if s == nil {
		if s = (*C.pp_slab)(C.pp_new_slab(C.uint32_t(number))); s == nil {
			panic("wrapper: out of memory for native headers")
		}
		atomic.StorePointer(&slabs[number], unsafe.Pointer(s))
		if number == leastSlabs-1 {
			trimAfterCollection()
		}
	}
	return (*slots.Generations)(unsafe.Pointer(&s.generations))
}

func newHeader(o *native.Object) *native.Header {
	slot := uint32(objects.Put(o))
	s, i := loadSlab(slot>>slots.SlabBits), slot&(slots.SlabSize-1)
	h := (*native.Header)(unsafe.Pointer(&s.headers[i]))
	*h = native.Header{Flags: C.PP_SHOWN} // Go code has the pointer, unless it is spare
	if s.extras[i] != nil {               // the last object leaked it: see Disarm
		s.extras[i] = nil
	}
	return h
}

// handleOf is pp_handle, without a call into C.
func handleOf(h *native.Header) uint64 {
	offset := uintptr(unsafe.Pointer(h)) & (C.PP_SLAB_ALIGNMENT - 1)
	s := (*C.pp_slab)(unsafe.Add(unsafe.Pointer(h), -int(offset)))
	i := uint32(offset / unsafe.Sizeof(*h))
	gens := (*slots.Generations)(unsafe.Pointer(&s.generations))
	return uint64(gens[i].Load())<<32 | uint64(uint32(s.number)<<slots.SlabBits+i)
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
	objects.Delete(handleOf(h))
}

func cHeader(h *native.Header) *C.pp_header { return (*C.pp_header)(unsafe.Pointer(h)) }
