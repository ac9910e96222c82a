package naive

/*
#cgo pkg-config: python3
#include "../internal/wrapper/wrapper.h"
extern pp_side pp_naive;
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
		Side: unsafe.Pointer(&C.pp_naive),
		Declared: strategies.Declaration{
			Name:      "naive",
			Order:     10,
			Idea:      "a new wrapper for every wrap; the old one is gone with all that was on it",
			ShippedBy: []string{"SWIG proxies", "gopy"},
			Breaks: map[string]string{
				"I1":     "every wrap makes a new wrapper",
				"I2":     "every wrap makes a new wrapper",
				"I3":     "every wrap makes a new wrapper",
				"I7":     "every wrap makes a new wrapper",
				"I5":     "wrappers of one native object are not equal",
				"I8":     "wrappers of one native object are not equal",
				"S1":     "the dict dies with the wrapper",
				"S2":     "the dict dies with the wrapper",
				"S3":     "slots die with the wrapper",
				"S4":     "a new wrapper is a plain MyClass",
				"S5":     "a new wrapper is a plain MyClass",
				"S8":     "the callback gets a wrapper of its own, which dies with it",
				"S9":     "the callback gets a new wrapper, which is a plain MyClass",
				"W1":     "weak references die with the wrapper they were made of",
				"W2":     "the callback fires when the wrapper dies, while the native object lives",
				"W3":     "weak references die with the wrapper they were made of",
				"W4":     "weak references die with the wrapper they were made of",
				"W5":     "weak references die with the wrapper they were made of",
				"F1":     "the wrapper really dies when Python drops it",
				"F1[gc]": "the wrapper really dies when gc finds it in a cycle",
				"F2":     "__del__ runs when the wrapper dies, while the native object lives",
				"F4":     "native code gets the native object only; the wrapper dies all the same",
				"F8":     "nothing is preserved, with __del__ or without",
				"G1":     "native code does not hold the wrapper, so its cycles are garbage",
				"G3":     "native code does not hold the wrapper, so its cycles are garbage",
				"G4":     "native code does not hold the wrapper, so its dict goes with it",
				"G5":     "native code does not hold the wrapper, so gc frees it",
				"G7":     "native code does not hold the wrapper, so its cycles are garbage",
			},
		},
	})
}
