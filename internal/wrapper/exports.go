package wrapper

/*
#include "wrapper.h"
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"unsafe"

	"pyobject-preservation/native"
)

// What C calls in Go. Objects are named by handle; the caller keeps them alive: it owns a native
// reference, or the wrapper that does.

// ppGoRefill makes n spare objects and returns their slots, linked by next, and destroys the
// objects of those in dead, linked likewise. Both are addresses rather than pointers, to
// spare cgo's check whether they point into Go memory; they do not.
//
//export ppGoRefill
func ppGoRefill(index C.int, n C.int, dead C.uintptr_t) C.uintptr_t {
	finish((*C.lt_slot)(fromC(uintptr(dead))))
	var list *C.lt_slot
	bindings[index].library.NewSpare(int(n), func(h *native.Header) {
		h.Flags &^= C.PP_SHOWN
		slot := &cHeader(h).slot
		slot.next = list
		list = slot
	})
	return C.uintptr_t(uintptr(unsafe.Pointer(list)))
}

// finish destroys the objects of a list of slots.
func finish(slot *C.lt_slot) {
	for slot != nil {
		h := (*C.pp_header)(unsafe.Add(unsafe.Pointer(slot), -int(unsafe.Offsetof(C.pp_header{}.slot))))
		slot = slot.next // read before the header can belong to another object
		objects.Get(handleOf((*native.Header)(unsafe.Pointer(h)))).Finish()
	}
}

//export ppGoReserveIDs
func ppGoReserveIDs(n C.int) C.uint64_t { return C.uint64_t(native.ReserveIDs(int(n))) }

// fromC converts an address from C to a pointer. It points to C memory, which
// Go's collector neither moves nor frees; go vet cannot know.
func fromC(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

//export ppGoFinish
func ppGoFinish(handle C.uint64_t) { objects.Get(uint64(handle)).Finish() }

// ppGoRest runs what takesLong has left to another thread.
//
//export ppGoRest
func ppGoRest(handle C.uint64_t) {
	rest := cgo.Handle(handle)
	defer rest.Delete()
	rest.Value().(func())()
}

//export ppGoLive
func ppGoLive(index C.int) C.int64_t { return C.int64_t(bindings[index].Live()) }

//export ppGoSetMessage
func ppGoSetMessage(handle C.uint64_t, text *C.char, size C.Py_ssize_t) {
	// Not C.GoStringN: its length is a C int.
	Object(uint64(handle)).SetMessage(string(unsafe.Slice((*byte)(unsafe.Pointer(text)), int(size))))
}

// ppGoText writes a text about the object into buffer and returns its length,
// which may be more than there was room for; then nothing is written. kind 0:
// the message; 1: the line that print_message prints.
//
//export ppGoText
func ppGoText(handle C.uint64_t, kind C.int, buffer *C.char, room C.int64_t) C.int64_t {
	o := Object(uint64(handle))
	text := o.Message()
	if kind == 1 {
		if text == "" {
			text = fmt.Sprintf("native object %d\n", o.ID())
		} else {
			text = fmt.Sprintf("native object %d: %s\n", o.ID(), text)
		}
	}
	if len(text) <= int(room) {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(buffer)), int(room)), text)
	}
	return C.int64_t(len(text))
}

// ppGoAppend adds an edge, which takes over a reference of the caller's to child.
//
//export ppGoAppend
func ppGoAppend(parent, child C.uint64_t) {
	Object(uint64(parent)).AppendOwned(Object(uint64(child)))
}

//export ppGoRemove
func ppGoRemove(parent, child C.uint64_t) C.int {
	if Object(uint64(parent)).Remove(Object(uint64(child))) {
		return 1
	}
	return 0
}

//export ppGoRemoveAll
func ppGoRemoveAll(parent C.uint64_t) { Object(uint64(parent)).RemoveAll() }

// ppGoChildren stores the headers of the children, each retained for the
// caller, and returns how many there are. When that is more than there is room
// for, nothing is stored or retained.
//
//export ppGoChildren
func ppGoChildren(handle C.uint64_t, found **C.pp_header, room C.int64_t) C.int64_t {
	children := Object(uint64(handle)).Children()
	if len(children) > int(room) {
		for _, child := range children {
			child.Release()
		}
		return C.int64_t(len(children))
	}
	out := unsafe.Slice(found, int(room))
	for i, child := range children {
		out[i] = cHeader(child.Header())
	}
	return C.int64_t(len(children))
}

// ppGoEmit has native code deliver an event to the object. 0, or -1 with a
// Python exception pending.
//
//export ppGoEmit
func ppGoEmit(handle C.uint64_t, event C.int64_t, answer *C.int64_t) C.int {
	n, err := Object(uint64(handle)).Emit(int64(event))
	if err != nil {
		return -1
	}
	*answer = C.int64_t(n)
	return 0
}

// releaseUnattached hands over a reference that only a thread with the GIL may release.
func (b *Binding) releaseUnattached(_ *native.Object, h *native.Header) {
	C.pp_release_unattached(b.table, cHeader(h))
}

// edgeRemoved queues a removed edge for the strategy's edges->gone.
func (b *Binding) edgeRemoved(parent, child *native.Object) {
	C.pp_unlink(b.table, cHeader(parent.Header()), cHeader(child.Header()))
}

// dispatch delivers an event to the wrapper's on_event, whether or not the
// calling goroutine has the GIL.
func (b *Binding) dispatch(o *native.Object, event int64) (int64, error) {
	// The pointers go as numbers, and the answer comes back by value: cgo looks up every pointer
	// that it passes, and a Go variable whose address it passes is allocated.
	a := C.pp_dispatch(C.uintptr_t(uintptr(unsafe.Pointer(b.table))), C.uintptr_t(uintptr(unsafe.Pointer(o.Header()))), C.int64_t(event))
	if a.failed == 0 {
		return int64(a.answer), nil
	}
	return 0, pythonError(a.error)
}
