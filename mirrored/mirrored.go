package mirrored

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_mirrored;
*/
import "C"

import (
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper"
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/strategies"
	_ "pyobject-preservation/toggleref" // its header
)

func init() {
	strategies.Register(strategies.Static{
		C: unsafe.Pointer(&C.pp_mirrored),
		Declared: strategies.Declaration{
			Name:      "mirrored",
			Order:     110,
			Idea:      "native edges between wrapped objects are Python references as well, which gc can follow",
			ShippedBy: []string{"TensorStore"},
			Identity:  true,
			Weakref:   true,
		},
	})
}
