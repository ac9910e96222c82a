//go:build !cpy3

package embed

/*
#include "../python.h"
*/
import "C"

// Starter names what starts the interpreter, for configuration lines.
const Starter = "libpython"

func initialize() { C.Py_InitializeEx(0) }

func finalize() { C.Py_FinalizeEx() }
