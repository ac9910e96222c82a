package instancemap

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_instancemap;
*/
import "C"

import (
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper"
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/strategies"
)

func init() {
	strategies.Register(strategies.Static{
		C: unsafe.Pointer(&C.pp_instancemap),
		Declared: strategies.Declaration{
			Name:      "instancemap",
			Order:     40,
			Idea:      "a map from native object to its live wrapper, borrowed; a fresh wrapper after its death",
			ShippedBy: []string{"pybind11", "nanobind (objects by pointer)", "Shiboken (objects without a parent)"},
			Identity:  false,
			Weakref:   false,
			Breaks: strategies.Forgetful(map[string]string{
				"I5": strategies.EqualityOfWrapper,
				"I8": strategies.EqualityOfWrapper,
			}),
		},
	})
}
