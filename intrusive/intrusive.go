package intrusive

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_intrusive;
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
		C: unsafe.Pointer(&C.pp_intrusive),
		Declared: strategies.Declaration{
			Name:      "intrusive",
			Order:     80,
			Idea:      "once wrapped, native references are Python references to the wrapper: one count for both",
			ShippedBy: []string{"nanobind (intrusive counter)"},
			Identity:  true,
			Weakref:   true,
			Breaks:    map[string]string{"G8": strategies.EdgesUnseen},
		},
	})
}
