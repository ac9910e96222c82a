//go:build cpy3

package embed

import python3 "github.com/go-python/cpy3"

// Starter names what starts the interpreter, for configuration lines.
const Starter = "cpy3"

func initialize() { python3.Py_InitializeEx(false) }

func finalize() { python3.Py_FinalizeEx() }
