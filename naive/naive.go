package naive

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern pp_side pp_naive;
*/
import "C"

import (
	"unsafe"

	"pyobject-preservation/strategies"
)

func init() {
	strategies.Register(strategies.Static{
		Side: unsafe.Pointer(&C.pp_naive),
		Declared: strategies.Declaration{
			Name:      "naive",
			Order:     10,
			Idea:      "a new wrapper for every wrap; the old one is gone with all that was on it",
			ShippedBy: []string{"SWIG proxies", "gopy"},
		},
	})
}
