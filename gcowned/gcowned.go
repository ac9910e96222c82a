package gcowned

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
#include "gcowned.h"
extern const pp_strategy pp_gcowned;
*/
import "C"

import (
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // headers: see internal/wrapper/embed.go
	"pyobject-preservation/internal/wrapper"
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/native"
	_ "pyobject-preservation/preserve" // its header
	"pyobject-preservation/strategies"
)

//export ppGcownedAwaitCollection
func ppGcownedAwaitCollection() { native.AfterCollection(releaseUnrooted) }

// releaseUnrooted releases the references of pointers that no MyClassRef roots. One that has been
// rooted again meanwhile takes another reference when its last root goes.
func releaseUnrooted() {
	for list := C.pp_gcowned_take(); list != 0; {
		wrapper.Find(uint64(C.pp_gcowned_next(&list))).Release()
	}
}

//export ppGcownedCollect
func ppGcownedCollect() { native.Collect() }

func init() {
	strategies.Register(strategies.Static{
		C: unsafe.Pointer(&C.pp_gcowned),
		Declared: strategies.Declaration{
			Name:      "gcowned",
			Order:     100,
			Idea:      "Go code counts nothing; a dead wrapper is a zombie until Go's garbage collector finds the pair unreachable",
			ShippedBy: []string{"Python.NET (classes derived in Python)"},
			Identity:  true,
			Weakref:   true,
			Breaks: map[string]string{
				"FT5":      strategies.Undecided,
				"FT18":     "gc takes a container that waits for the thread that made it for garbage, and the wrapper with it if nothing else refers to that, before tp_dealloc can flip it",
				"G8":       strategies.EdgesUnseen,
				"W4":       "gc clears the weak references of a wrapper that only a garbage cycle refers to, before tp_dealloc can flip it",
				"F1[gc]":   "gc runs __del__ of a wrapper that only a garbage cycle refers to, before tp_dealloc can flip it",
				"F11":      "Go's garbage collector decides when native code releases",
				"G6":       "neither collector sees the other's half of the cycle",
				"G6[self]": "neither collector sees the other's half of the cycle",
				"G14":      "beside the holder's native reference there is that of the Go pointer, whose owner gc does not see",
				"G11":      "of a chain that goes through Go pointers and Python in turn, one link dies with each Go collection",
			},
		},
	})
}
