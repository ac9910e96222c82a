package naive

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_naive;
*/
import "C"

import (
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper" // so that a change of its headers rebuilds this
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/strategies"
)

func init() {
	strategies.Register(strategies.Static{
		C: unsafe.Pointer(&C.pp_naive),
		Declared: strategies.Declaration{
			Name:      "naive",
			Order:     10,
			Idea:      "a new wrapper for every wrap; the old one is gone with all that was on it",
			ShippedBy: []string{"SWIG proxies", "gopy"},
			Breaks: strategies.Forgetful(map[string]string{
				"I6": "every wrap makes a new wrapper", "FT4": "every wrap makes a new wrapper",
				"I1":  "every wrap makes a new wrapper",
				"I5":  "wrappers of one native object are not equal",
				"I8":  "wrappers of one native object are not equal",
				"I10": "wrappers of one native object are not equal",
				"S9":  strategies.NeverReached, "S9[bound]": strategies.NeverReached,
			}),
		},
	})
}
