package nativedict

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern const pp_strategy pp_nativedict;
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
		C: unsafe.Pointer(&C.pp_nativedict),
		Declared: strategies.Declaration{
			Name:      "nativedict",
			Order:     70,
			Idea:      "class and attributes live with the native object from the start; wrappers are disposable views",
			ShippedBy: []string{"PyGObject ≥ 3.55", "PyObjC"},
			Identity:  false,
			Weakref:   false,
			Breaks: strategies.Remade("a new wrapper is made around the class and dict", map[string]string{
				"I5":       strategies.EqualityOfWrapper,
				"I8":       strategies.EqualityOfWrapper,
				"FT16":     "class and dict come back, the slots do not",
				"S3":       "slots are the wrapper's and die with it",
				"F4":       "class and dict come back, the slots do not",
				"G3":       "slots are the wrapper's and die with it",
				"G3[two]":  "slots are the wrapper's and die with it",
				"G4":       "the dict is kept; slots are the wrapper's and die with it",
				"G6[self]": "the data's reference to the dict is invisible to gc while native code, here the holder in the cycle, holds the object",
			}),
		},
	})
}
