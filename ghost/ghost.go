package ghost

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_ghost;
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
	emptied = "native code does not hold the wrapper: gc breaks its cycles by emptying the very dict that the ghost would keep"
	cleared = "CPython clears the slots of a subclass before the base's tp_dealloc can keep them"
)

func init() {
	strategies.Register(strategies.Static{
		C: unsafe.Pointer(&C.pp_ghost),
		Declared: strategies.Declaration{
			Name:      "ghost",
			Order:     60,
			Idea:      "when the wrapper dies its class and dict stay with the native object, and a new wrapper is built around them",
			ShippedBy: []string{"VTK"},
			Identity:  false,
			Weakref:   false,
			Breaks: strategies.Remade("class and dict come back around a new wrapper", map[string]string{
				"I5":        strategies.EqualityOfWrapper,
				"I8":        strategies.EqualityOfWrapper,
				"FT16":      "class and dict come back, the slots do not",
				"S3":        cleared,
				"F4":        "class and dict come back, the slots do not",
				"S9[bound]": emptied, "G1": emptied, "G1[two]": emptied, "FT10": emptied,
				"G3": cleared, "G3[two]": cleared,
				"G4":          "gc empties the dict of a wrapper in a garbage cycle before it can become a ghost's",
				"G4[payload]": "gc finalizes all of a garbage cycle, and empties the wrapper's dict before it can become a ghost's",
				"G5":          "gc empties the dict of a wrapper in a garbage cycle before it can become a ghost's",
			}),
		},
	})
}
