// Package loops does a batch of one operation in C and says how long it took.
//
// A call from Go to C costs as much as the cheapest operations measured here, so
// a benchmark with one call for each of them would mostly measure the calls.
// Here the call, the preparation and the cleanup are not timed: the clock is
// read in C, just before the first operation of the batch and just after the
// last.
//
// Every function needs the GIL.
package loops

/*
#cgo pkg-config: python3
#include "loops.h"
#include <stdlib.h>
#include <string.h>

// One reference of the caller's is for Go code from now on.
static uint64_t
pp_loop_give(pp_header *h)
{
	pp_give_to_go(h);
	return pp_handle(h);
}
*/
import "C"

import (
	"runtime"
	"time"
	"unsafe"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/wrapper"
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/native"
)

func table(b *wrapper.Binding) *C.pp_strategy { return (*C.pp_strategy)(b.Table()) }

func object(o cpython.Object) *C.PyObject { return (*C.PyObject)(o) }

func result(ns C.int64_t) (time.Duration, error) {
	if ns < 0 {
		return 0, cpython.TakeError()
	}
	return time.Duration(ns), nil
}

// Create calls MyClass() and drops the result.
func Create(b *wrapper.Binding, n int) (time.Duration, error) {
	return result(C.pp_loop_create(table(b), C.int64_t(n)))
}

// CreateList makes a list of n instances of MyClass and drops it.
func CreateList(b *wrapper.Binding, n int) (time.Duration, error) {
	return result(C.pp_loop_create_list(table(b), C.int64_t(n)))
}

// Replace puts a new instance of MyClass in the place of an old one in the list kept, for each of
// the indices, which are a list of ints.
func Replace(b *wrapper.Binding, kept, indices cpython.Object) (time.Duration, error) {
	return result(C.pp_loop_replace(table(b), object(kept), object(indices)))
}

// Wrap wraps the native object that the holder ref holds and drops the result.
// It also counts how often that was the object at the address of wrapper, which may be dead.
func Wrap(b *wrapper.Binding, wrapper, ref cpython.Object, n int) (d time.Duration, same int, err error) {
	var found C.int64_t
	d, err = result(C.pp_loop_wrap(table(b), object(wrapper), object(ref), C.int64_t(n), &found))
	return d, int(found), err
}

// WrapFirst wraps n new native objects.
func WrapFirst(b *wrapper.Binding, n int) (time.Duration, error) {
	return result(C.pp_loop_wrap_first(table(b), C.int64_t(n)))
}

// Unwrap takes a native reference to the native object of wrapper, and releases
// it. Native code should hold another meanwhile.
func Unwrap(b *wrapper.Binding, wrapper cpython.Object, n int) (time.Duration, error) {
	return result(C.pp_loop_unwrap(table(b), object(wrapper), C.int64_t(n)))
}

// Call calls a method without arguments.
func Call(o cpython.Object, method string, n int) (time.Duration, error) {
	name := C.CString(method)
	defer C.free(unsafe.Pointer(name))
	return result(C.pp_loop_call(object(o), name, C.int64_t(n)))
}

// CallOne calls a method with an int.
func CallOne(o cpython.Object, method string, argument int64, n int) (time.Duration, error) {
	name := C.CString(method)
	defer C.free(unsafe.Pointer(name))
	return result(C.pp_loop_call_one(object(o), name, C.int64_t(argument), C.int64_t(n)))
}

// RetainRelease takes a second native reference beside that of the wrapper and
// releases it.
func RetainRelease(b *wrapper.Binding, wrapper cpython.Object, n int) (time.Duration, error) {
	return result(C.pp_loop_retain_release(table(b), object(wrapper), C.int64_t(n)))
}

// ReleaseZombie releases the last native references to n objects whose
// wrappers are dead.
func ReleaseZombie(b *wrapper.Binding, n int) (time.Duration, error) {
	return result(C.pp_loop_release_zombie(table(b), C.int64_t(n)))
}

// Invoke calls a callable without arguments, and says how often it returned
// None.
func Invoke(callable cpython.Object, n int) (d time.Duration, none int, err error) {
	var nothing C.int64_t
	d, err = result(C.pp_loop_invoke(object(callable), C.int64_t(n), &nothing))
	return d, int(nothing), err
}

// Int calls a callable that returns a non-negative int.
func Int(callable cpython.Object) (int64, error) {
	n := C.pp_call_int(object(callable))
	if n < 0 {
		return 0, cpython.TakeError()
	}
	return int64(n), nil
}

// Compiler names what compiled the loops.
func Compiler() string { return C.GoString(C.pp_compiler()) }

// Held is a number of native objects, each with one native reference and a
// dead wrapper, held from outside Python.
//
// # Memory
//
// The list itself is C memory, in use from NewHeld on, so that measuring the
// process before and after [Held.Fill] shows the objects alone.
type Held struct {
	binding *wrapper.Binding
	list    *unsafe.Pointer
	room, n int
}

// NewHeld makes room for n.
func NewHeld(b *wrapper.Binding, n int) *Held {
	size := C.size_t(n) * C.size_t(unsafe.Sizeof(unsafe.Pointer(nil)))
	list := C.malloc(size)
	if list == nil {
		panic("loops: out of memory")
	}
	C.memset(list, 1, size) // written to, so that the pages exist
	return &Held{binding: b, list: (*unsafe.Pointer)(list), room: n}
}

// Fill makes the objects.
func (h *Held) Fill() error {
	if C.pp_hold(table(h.binding), h.list, C.int64_t(h.room)) < 0 {
		return cpython.TakeError()
	}
	h.n = h.room
	return nil
}

// offThread is a strategy without native objects in Go: it retains and releases what is held
// itself, on a thread without the GIL.
type offThread interface {
	RetainRelease(held unsafe.Pointer, n int)
	Release(held *unsafe.Pointer, n int)
}

// given is the object of a header whose reference is Go code's from now on.
func given(header unsafe.Pointer) *native.Object {
	return wrapper.Object(uint64(C.pp_loop_give((*C.pp_header)(header))))
}

// RetainReleaseOffThread takes, on a goroutine without the GIL, one more reference to
// the first object and releases it, n times, and then drains.
func (h *Held) RetainReleaseOffThread(n int) time.Duration {
	first := *h.list
	return h.offThread(func() {
		if own, ok := h.binding.Strategy().(offThread); ok {
			own.RetainRelease(first, n)
			return
		}
		o := given(first)
		for range n {
			o.Retain()
			o.Release()
		}
	})
}

// CloseOffThread is Close, but the references are released on a goroutine without
// the GIL. It times that and the drain after it.
func (h *Held) CloseOffThread() time.Duration {
	list := unsafe.Slice(h.list, h.n)
	own, ok := h.binding.Strategy().(offThread)
	objects := make([]*native.Object, h.n)
	for i := range objects {
		if !ok {
			objects[i] = given(list[i])
		}
	}
	taken := h.offThread(func() {
		if ok {
			own.Release(h.list, h.n)
			return
		}
		for _, o := range objects {
			o.Release()
		}
	})
	h.n = 0
	h.Close()
	return taken
}

func (h *Held) offThread(f func()) time.Duration {
	start := time.Now()
	cpython.WithoutGIL(func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			f()
		}()
		<-done
	})
	h.binding.Drain()
	return time.Since(start)
}

// Close releases the native references and frees the list.
func (h *Held) Close() {
	C.pp_let_go(table(h.binding), h.list, C.int64_t(h.n))
	C.free(unsafe.Pointer(h.list))
	h.list, h.n = nil, 0
}
