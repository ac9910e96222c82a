package floor

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern pp_side pp_floor;
*/
import "C"

import (
	_ "embed"
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // its headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper" // so that a change of its headers rebuilds this
	"pyobject-preservation/strategies"
)

// Header is the C header of what times the floor. It imports this package so that Go
// compiles it anew when the header changes: see internal/wrapper/embed.go.
//
//go:embed floor.h
var Header string

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
