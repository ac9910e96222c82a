package ghost

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern pp_side pp_ghost;
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
		Side: unsafe.Pointer(&C.pp_ghost),
		Declared: strategies.Declaration{
			Name:      "ghost",
			Order:     60,
			Idea:      "when the wrapper dies its class and dict stay with the native object, and a new wrapper is built around them",
			ShippedBy: []string{"VTK"},
			Identity:  false,
			Weakref:   false,
			Breaks: map[string]string{
				"G8":     strategies.EdgesUnseen,
				"I2":     "class and dict come back around a new wrapper",
				"I3":     "class and dict come back around a new wrapper",
				"I5":     "equality and hash are the wrapper's, so one that comes back after its death is another key",
				"I8":     "equality and hash are the wrapper's, so one that comes back after its death is another key",
				"I7":     "class and dict come back around a new wrapper",
				"S3":     "CPython clears the slots of a subclass before the base's tp_dealloc can keep them",
				"W1":     "weak references die with the wrapper they were made of",
				"W2":     "the callback fires when the wrapper dies, while the native object lives",
				"W3":     "weak references die with the wrapper they were made of",
				"W4":     "weak references die with the wrapper they were made of",
				"W5":     "weak references die with the wrapper they were made of",
				"F1":     "the wrapper really dies when Python drops it",
				"F1[gc]": "the wrapper really dies when gc finds it in a cycle",
				"F2":     "__del__ runs at each death of a wrapper, while the native object lives",
				"F4":     "class and dict come back, the slots do not",
				"G1":     "native code does not hold the wrapper: gc breaks its cycles by emptying the very dict that the ghost would keep",
				"G3":     "CPython clears the slots of a subclass before the base's tp_dealloc can keep them",
				"G4":     "gc empties the dict of a wrapper in a garbage cycle before it can become a ghost's",
				"G5":     "gc empties the dict of a wrapper in a garbage cycle before it can become a ghost's",
			},
		},
	})
}
