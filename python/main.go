// Command python is the extension module pyobject_preservation._core: every
// registered strategy in one c-shared library, because two Go runtimes in one
// process are trouble. It does not link libpython; the interpreter that imports
// it brings that.
//
//	go build -buildmode=c-shared -o python/pyobject_preservation/_core.<suffix>.so ./python
package main

/*
#cgo pkg-config: python3
// For `go build ./...`, which links this as a program, without an interpreter.
#cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-all
#include <stdlib.h>
#include "../internal/cpython/python.h"
*/
import "C"

import (
	"encoding/json"

	_ "pyobject-preservation/bench"
	_ "pyobject-preservation/internal/cpython" // its header: see internal/wrapper/embed.go
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/strategies"
)

// ppGoDeclarations is what every strategy says about itself, in suite order, as
// JSON, to be freed by the caller.
//
//export ppGoDeclarations
func ppGoDeclarations() *C.char {
	var all []strategies.Declaration
	for _, s := range strategies.All() {
		all = append(all, s.Declaration())
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return C.CString(string(text))
}

// ppGoModule is a new reference to the module of the strategy with this name.
// nil with an exception when it could not be made, nil without one when there
// is no such strategy.
//
//export ppGoModule
func ppGoModule(name *C.char) *C.PyObject {
	s, ok := strategies.Lookup(C.GoString(name))
	if !ok {
		return nil
	}
	return (*C.PyObject)(wrapper.Attach(s).NewModule())
}

//export ppGoDisarm
func ppGoDisarm() { wrapper.Disarm() }

func main() {}
