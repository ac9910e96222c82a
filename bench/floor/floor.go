package floor

/*
#cgo pkg-config: python3
#include "../../internal/wrapper/wrapper.h"
extern const pp_strategy pp_floor;
PyObject *pp_floor_module(void);
void pp_floor_retain_release(void *held, int64_t n);
void pp_floor_release(void **held, int64_t n);
*/
import "C"

import (
	"unsafe"

	"pyobject-preservation/internal/cpython"
	_ "pyobject-preservation/internal/wrapper"
	_ "pyobject-preservation/lifetime"
	"pyobject-preservation/strategies"
)

const noLifetime = "the floor's objects have a wrapper from the beginning and never lose it"

// floor makes its module itself, and has no native objects for Go code to retain.
type floor struct{ strategies.Static }

// NewModule returns a new reference to the module; nil with a Python exception.
func (floor) NewModule() cpython.Object { return cpython.Object(C.pp_floor_module()) }

// RetainRelease takes and drops a reference n times, without the GIL.
func (floor) RetainRelease(held unsafe.Pointer, n int) {
	C.pp_floor_retain_release(held, C.int64_t(n))
}

// Release drops n references, without the GIL.
func (floor) Release(held *unsafe.Pointer, n int) { C.pp_floor_release(held, C.int64_t(n)) }

func init() {
	strategies.RegisterReference(strategies.Reference{
		Strategy: floor{strategies.Static{
			C: unsafe.Pointer(&C.pp_floor),
			Declared: strategies.Declaration{
				Name:     "floor",
				Idea:     "no lifetime work: a holder owns the wrapper, nothing is ever recreated",
				Identity: true,
				Weakref:  true,
			},
		}},
		Lacks: map[string]string{
			"WrapFirst": noLifetime,
			"CallGo":    "nothing of the floor is in Go",
			"Tree":      "the floor has no edges between objects",
		},
	})
}
