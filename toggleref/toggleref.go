package toggleref

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_toggleref;
*/
import "C"

import (
	_ "embed"
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper"
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/strategies"
)

// Header is the C header of what other strategies build on. They import it so that Go
// compiles them anew when it changes: see internal/wrapper/embed.go.
//
//go:embed toggleref.h
var Header string

func init() {
	strategies.Register(strategies.Static{
		C: unsafe.Pointer(&C.pp_toggleref),
		Declared: strategies.Declaration{
			Name:  "toggleref",
			Order: 50,
			Idea:  "native code holds one real Python reference whenever it holds the object beside the wrapper",
			ShippedBy: []string{"PyTorch ≥ 2.10", "PyGObject ≤ 3.54 (GLib toggle references)",
				"pybind11 (trampoline_self_life_support)", "nanobind and Boost.Python (shared_ptr)", "Shiboken (objects with a parent)"},
			Identity: true,
			Weakref:  true,
			Breaks:   map[string]string{"G8": strategies.EdgesUnseen},
		},
	})
}
