//go:build cpy3

package cpy3

import (
	"fmt"

	python3 "github.com/go-python/cpy3"

	"pyobject-preservation/internal/cpython"
	_ "pyobject-preservation/internal/cpython/embed" // links libpython, as cpy3 should but does not
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
	"pyobject-preservation/strategies"
)

// Attach connects the registered strategy called name with the running
// interpreter and makes its module. It may be called again; there is one binding
// of each strategy in a process. It fails when there is no such strategy, when no
// interpreter runs, and when the one that runs is not the one that this program
// was compiled for. Needs the GIL.
func Attach(name string) (*wrapper.Binding, error) {
	s, ok := strategies.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("cpy3: no strategy is called %q", name)
	}
	if !cpython.Running() {
		return nil, cpython.ErrNoInterpreter
	}
	if err := cpython.CheckRuntime(); err != nil {
		return nil, err
	}
	b := wrapper.Attach(s)
	module, err := b.Module()
	if err != nil {
		return nil, err
	}
	cpython.DecRef(module) // the binding has one of its own
	return b, nil
}

// Detach must be called before python3.Py_FinalizeEx: native objects that
// outlive the interpreter leak their wrappers from then on, silently and safely.
// It is final, and concerns every binding of the process.
//
// It needs the GIL: see cpython.CloseGIL, which it calls.
func Detach() {
	cpython.CloseGIL()
	wrapper.Disarm()
}

// Module returns the strategy's module, with MyClass and MyClassRef in it.
//
// # Memory
//
// A new reference: the caller releases it with DecRef.
func Module(b *wrapper.Binding) (*python3.PyObject, error) {
	module, err := b.Module()
	return FromPointer(module), err
}

// Wrap returns the Python object for o.
//
// # Memory
//
// A new Python reference: the caller releases it with DecRef. If it is the
// last one the wrapper dies. The caller keeps its native reference to o,
// and needs one throughout the call; afterwards the wrapper has one of its own.
func Wrap(b *wrapper.Binding, o *native.Object) (*python3.PyObject, error) {
	w, err := b.Wrap(o)
	return FromPointer(w), err
}

// Unwrap returns the native object of w. It fails with a
// *cpython.Error for anything but a wrapper of b's strategy.
//
// # Memory
//
// A new native reference: the caller releases it with b.Release, or without
// the GIL with the object's own Release. w is borrowed: it may be released
// right after.
func Unwrap(b *wrapper.Binding, w *python3.PyObject) (*native.Object, error) {
	return b.Unwrap(Pointer(w))
}

// FromPointer is a Python object of this module as one of cpy3's.
//
// # Memory
//
// It is the same object and the same reference: ownership does not change.
// nil stays nil.
func FromPointer(o cpython.Object) *python3.PyObject { return (*python3.PyObject)(o) }

// Pointer is a Python object of cpy3's as one of this module.
//
// # Memory
//
// As for [FromPointer].
func Pointer(o *python3.PyObject) cpython.Object { return cpython.Object(o) }
