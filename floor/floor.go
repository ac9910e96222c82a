package floor

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern pp_side pp_floor;
*/
import "C"

import (
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // its headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper" // so that a change of its headers rebuilds this
	"pyobject-preservation/strategies"
)

func init() {
	strategies.Register(strategies.Static{
		Side: unsafe.Pointer(&C.pp_floor),
		Declared: strategies.Declaration{
			Name:     "floor",
			Order:    0,
			Idea:     "no lifetime work: a holder owns the wrapper, nothing is ever recreated",
			Identity: true,
			Weakref:  true,
			Floor:    true,
		},
	})
}
