package finalizer

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern pp_side pp_finalizer;
*/
import "C"

import (
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // its headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper"
	"pyobject-preservation/strategies"
)

func init() {
	strategies.Register(strategies.Static{
		Side: unsafe.Pointer(&C.pp_finalizer),
		Declared: strategies.Declaration{
			Name:      "finalizer",
			Order:     90,
			Idea:      "tp_finalize resurrects the wrapper, what everybody tries first",
			ShippedBy: nil,
			Identity:  true,
			Weakref:   true,
			Breaks: map[string]string{
				"G8":       strategies.EdgesUnseen,
				"I3":       "CPython calls tp_finalize once in an object's life; the second death is real",
				"S2":       "CPython calls tp_finalize once in an object's life; the second death is real",
				"S5":       "CPython calls tp_finalize once in an object's life; the second death is real",
				"S8":       "a subclass that overrides a method is preserved once only, and the callback's own wrap uses that up",
				"W2":       "CPython calls tp_finalize once in an object's life; the second death is real",
				"W3":       "CPython calls tp_finalize once in an object's life; the second death is real",
				"W4":       "gc clears weak references before it calls tp_finalize",
				"F1":       "a subclass's __del__ takes the place of tp_finalize, so it is never preserved",
				"F1[gc]":   "a subclass's __del__ takes the place of tp_finalize, so it is never preserved",
				"F2":       "a subclass's __del__ takes the place of tp_finalize, so it is never preserved",
				"F4":       "a subclass's __del__ takes the place of tp_finalize, so it is never preserved",
				"F8":       "a subclass's __del__ takes the place of tp_finalize, so it is never preserved",
				"G6":       "the reference that native code holds is invisible to gc",
				"G6[self]": "the reference that native code holds is invisible to gc",
				"G7":       "CPython calls tp_finalize once in an object's life; the second death is real",
			},
		},
	})
}
