package finalizer

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_finalizer;
*/
import "C"

import (
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper"
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/strategies"
)

const (
	once   = "CPython calls tp_finalize once in an object's life; the second death is real"
	theirs = "a subclass's __del__ takes the place of tp_finalize, so it is never preserved"
	unseen = "the reference that native code holds is invisible to gc"

	needsGIL = "without the GIL CPython keeps a wrapper that tp_finalize has resurrected biased towards its thread, " +
		"and gc calls tp_finalize for a wrapper that native code holds"
)

func init() {
	strategies.Register(strategies.Static{
		C: unsafe.Pointer(&C.pp_finalizer),
		Declared: strategies.Declaration{
			Name:      "finalizer",
			Order:     90,
			Idea:      "tp_finalize resurrects the wrapper, the first idea of many authors",
			ShippedBy: nil,
			Identity:  true,
			Weakref:   true,
			NeedsGIL:  needsGIL,
			Breaks: map[string]string{
				"G8":           strategies.EdgesUnseen,
				"I3":           once,
				"S2":           once,
				"S2[replaced]": once,
				"S5":           once,
				"S8":           "a subclass that overrides a method is preserved once only, and the callback's own wrap uses that up",
				"W2":           once,
				"W3":           once,
				"W4":           "gc clears weak references before it calls tp_finalize, up to CPython 3.14",
				"F1":           theirs,
				"F1[gc]":       theirs,
				"F2":           theirs,
				"F4":           theirs,
				"F8":           theirs,
				"G4[payload]":  "gc finalizes what is in a garbage cycle, and clears its weak references, before tp_finalize has brought the wrapper back",
				"G6":           unseen,
				"G6[self]":     unseen,
				"G7":           once,
				"G14":          unseen,
			},
			HoldsFrom: map[string]string{"W4": "3.15"},
		},
	})
}
