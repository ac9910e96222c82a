package handletable

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_handletable;
*/
import "C"

import (
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // headers: see internal/wrapper/embed.go
	"pyobject-preservation/internal/slots"
	"pyobject-preservation/internal/wrapper"
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/strategies"
)

const unseen = "gc sees nothing of what is behind a handle"

func init() {
	strategies.Register(strategies.Static{
		C: unsafe.Pointer(&C.pp_handletable),
		Declared: strategies.Declaration{
			Name:      "handletable",
			Order:     30,
			Idea:      "the wrapper carries a generation-checked handle into a table, looked up on every use",
			ShippedBy: []string{"runtime/cgo.Handle", "gopy"},
			Breaks: strategies.Forgetful(map[string]string{
				"I1": "every wrap makes a new wrapper",
				"I6": "every wrap makes a new wrapper", "FT4": "every wrap makes a new wrapper",
				"S9": strategies.NeverReached, "S9[bound]": strategies.NeverReached,
				"G9": unseen, "G9[two]": unseen, "G9[list]": unseen, "G14[callback]": unseen,
			}),
		},
	})
}

// CLOSED of handletable.c is bit 31: no bit of a slot, or this does not compile.
const _ uint = 31 - slots.SlotBits

// ppHandletableAcquire is the header of the object that a number from anywhere names, with
// a native reference for the caller. nil unless it names a live object of
// this strategy.
//
//export ppHandletableAcquire
func ppHandletableAcquire(index C.int, handle C.uint64_t) *C.pp_header {
	o := wrapper.Find(uint64(handle))
	if o == nil || !wrapper.Owns(int(index), o) || !o.TryRetain() {
		return nil
	}
	return (*C.pp_header)(unsafe.Pointer(o.Header()))
}
