package preserve

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_preserve;
*/
import "C"

import (
	_ "embed"
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper" // so that a change of its headers rebuilds this
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/strategies"
)

// Header is the C header of what other strategies build on. They import it so that Go
// compiles them anew when it changes: see internal/wrapper/embed.go.
//
//go:embed preserve.h
var Header string

func init() {
	strategies.Register(strategies.Static{
		C: unsafe.Pointer(&C.pp_preserve),
		Declared: strategies.Declaration{
			Name:      "preserve",
			Order:     20,
			Idea:      "tp_dealloc flips ownership; the native object keeps the wrapper and gives the same PyObject back",
			ShippedBy: []string{"PyTorch ≤ 2.9", "pyobject-preservation (C++ example)"},
			Identity:  true,
			Weakref:   true,
			Breaks: map[string]string{
				"FT5":      strategies.Undecided,
				"FT18":     "gc takes a container that waits for the thread that made it for garbage, and the wrapper with it if nothing else refers to that, before tp_dealloc can flip it",
				"G8":       strategies.EdgesUnseen,
				"G6[self]": "a holder's tp_traverse can show gc the reference that a zombie's owner has, but not one to a wrapper that is still Python's",
				"W4":       "gc clears the weak references of a wrapper that only a garbage cycle refers to, before tp_dealloc can flip it",
				"F1[gc]":   "gc runs __del__ of a wrapper that only a garbage cycle refers to, before tp_dealloc can flip it",
			},
		},
	})
}
