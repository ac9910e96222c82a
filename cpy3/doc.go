// Package cpy3 connects the wrappers of this module with programs that embed
// CPython through github.com/go-python/cpy3: wrapped objects become cpy3's
// *python3.PyObject, and back.
//
// Everything else in it needs the build tag cpy3 and, because that module was
// written for CPython 3.7, an overlay header on its include path. make setup
// prepares both:
//
//	scripts/with_python.sh "" scripts/test_cpy3.sh                  # the tests
//	scripts/with_python.sh "" scripts/go_cpy3.sh run ./examples/cpy3  # any go command
//	eval "$(scripts/with_python.sh "" scripts/go_cpy3.sh env)"        # the same, for a shell
//
// With the tag, internal/cpython/embed starts and stops the interpreter through
// cpy3, too. A program may as well do that by itself, as examples/cpy3 does.
//
// # Your own structs
//
// A wrapped object is a native.Object. Its SetPayload gives it a value of your own, which Unwrap's
// result has as Payload, and a function that hears when the object is destroyed.
//
// # Threads
//
// As everywhere a Python object is taken or returned, the caller holds the GIL:
// right after python3.Py_Initialize, within PyGILState_Ensure and
// PyGILState_Release on one locked OS thread, or within cpython.WithGIL.
package cpy3
