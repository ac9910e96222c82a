// Package baseline is the suite's scaffolding with no lifetime policy: the same Python classes
// and Go objects as every strategy, but a wrapper owns its object, and holders own the
// wrapper. The difference to the floor is the price of the scaffolding; a strategy's
// difference to this is the price of its policy.
package baseline

/*
#cgo pkg-config: python3
#include "../../internal/wrapper/wrapper.h"
extern const pp_strategy pp_baseline;
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
	strategies.RegisterReference(strategies.Reference{
		Strategy: strategies.Static{
			C: unsafe.Pointer(&C.pp_baseline),
			Declared: strategies.Declaration{
				Name:     "baseline",
				Idea:     "the suite's classes with no lifetime policy: holders own the wrapper, which owns its object",
				Identity: true,
				Weakref:  true,
				NeedsGIL: "it measures the scaffolding, whose cost the GIL does not change",
			},
		},
		Lacks: map[string]string{
			"OffThread": "its native references are Python references, which need the GIL",
			"Tree":      "its native references are Python references, so there are no native edges",
		},
	})
}
