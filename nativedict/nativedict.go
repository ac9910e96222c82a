package nativedict

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern pp_side pp_nativedict;
*/
import "C"

import (
	"unsafe"

	_ "pyobject-preservation/internal/cpython" // its headers: see internal/wrapper/embed.go
	_ "pyobject-preservation/internal/wrapper"
	"pyobject-preservation/strategies"
)

func init() {
	strategies.Register(strategies.Static{
		Side: unsafe.Pointer(&C.pp_nativedict),
		Declared: strategies.Declaration{
			Name:      "nativedict",
			Order:     70,
			Idea:      "class and attributes live with the native object from the start; wrappers are disposable views",
			ShippedBy: []string{"PyGObject ≥ 3.55", "PyObjC"},
			Identity:  false,
			Weakref:   false,
			Breaks: map[string]string{
				"G8":       strategies.EdgesUnseen,
				"I2":       "a new wrapper is made around the class and dict",
				"I3":       "a new wrapper is made around the class and dict",
				"I5":       "equality and hash are the wrapper's, so one that comes back after its death is another key",
				"I8":       "equality and hash are the wrapper's, so one that comes back after its death is another key",
				"I7":       "a new wrapper is made around the class and dict",
				"S3":       "slots are the wrapper's and die with it",
				"W1":       "weak references die with the wrapper they were made of",
				"W2":       "the callback fires when the wrapper dies, while the native object lives",
				"W3":       "weak references die with the wrapper they were made of",
				"W4":       "weak references die with the wrapper they were made of",
				"W5":       "weak references die with the wrapper they were made of",
				"F1":       "the wrapper really dies when Python drops it",
				"F1[gc]":   "the wrapper really dies when gc finds it in a cycle",
				"F2":       "__del__ runs at each death of a wrapper, while the native object lives",
				"F4":       "class and dict come back, the slots do not",
				"G3":       "slots are the wrapper's and die with it",
				"G4":       "the dict is kept; slots are the wrapper's and die with it",
				"G6[self]": "the data's reference to the dict is invisible to gc while native code, here the holder in the cycle, holds the object",
			},
		},
	})
}
