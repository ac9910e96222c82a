// Package cpython contains all of Go's access to the CPython C API: headers and
// version differences (python.h), the GIL, running Python code, and turning
// Python exceptions into Go errors.
//
// It does not link libpython: an extension module must not. A program that
// starts an interpreter of its own imports internal/cpython/embed as well.
//
// # Which interpreter
//
// Compiler flags come from pkg-config's python3, so that plain go build, go
// vet and go test use the system's interpreter. To use another one put its own
// python3.pc first on PKG_CONFIG_PATH and, because Go's build cache does not
// depend on pkg-config's output, put a word that names it into CGO_CFLAGS;
// `make PYTHON=...` does both. pp_check_runtime refuses to run when headers and
// interpreter do not belong together.
//
// # Threads
//
// Every function that takes or returns a Python object needs the GIL. A
// goroutine gets it with [WithGIL], which also ties it to its OS thread:
// CPython's thread state belongs to a thread, and a goroutine that moved to
// another one between taking and releasing the GIL would corrupt it.
//
// Goroutines do not stop when the interpreter does. The code that finalizes it calls
// [CloseGIL] first: from then on WithGIL returns false.
package cpython

/*
#cgo pkg-config: python3
#include "python.h"
#include <stdlib.h>

static Py_ssize_t pp_refcnt(PyObject *o) { return Py_REFCNT(o); }
static void pp_incref(PyObject *o) { Py_INCREF(o); }
static void pp_decref(PyObject *o) { Py_DECREF(o); }

static PyObject *
pp_run(const char *source, const char *filename, int mode, PyObject *globals)
{
	PyObject *result = NULL, *code = Py_CompileString(source, filename, mode);
	if (code) {
		result = PyEval_EvalCode(code, globals, globals);
		Py_DECREF(code);
	}
	return result;
}
*/
import "C"

import (
	"errors"
	"runtime"
	"unsafe"
)

// Object is a Python object. It is C memory, invisible to Go's garbage
// collector. Each function's comment says which references it takes and
// returns. nil means none.
type Object = unsafe.Pointer

// ErrNoInterpreter is returned when Python is needed and not running.
var ErrNoInterpreter = errors.New("cpython: no interpreter is running")

// Running reports whether an interpreter is initialised in this process.
func Running() bool { return C.Py_IsInitialized() != 0 }

// CheckRuntime reports when the running interpreter is not the one that this
// program was compiled for. Needs the GIL.
func CheckRuntime() error {
	if text := C.pp_check_runtime(); text != nil {
		return errors.New("cpython: " + C.GoString(text))
	}
	return nil
}

// BuiltFor is the version whose headers this program was compiled with, as in
// "3.11", "3.13t" (free-threaded), "3.11d" (debug).
func BuiltFor() string { return C.GoString(C.pp_built_for()) }

// Version is the running interpreter's own description of itself.
func Version() string { return C.GoString(C.Py_GetVersion()) }

// WithGIL runs f with the GIL held, on one OS thread, and returns true. It may be
// nested. It returns false, and f is not called, when the interpreter is being
// finalized or gone. An interpreter must have been started.
func WithGIL(f func()) bool {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	gil := C.pp_gil_take()
	if gil == 0 {
		return false
	}
	defer C.pp_gil_give(gil)
	f()
	return true
}

// CloseGIL must be called, with the GIL held, before the interpreter is finalized.
// From then on [WithGIL] returns false on threads that do not have the GIL. Up to
// CPython 3.14 CloseGIL waits, without the GIL, until all calls of WithGIL that are
// under way on other threads have returned, but at most five seconds: CPython ends
// or blocks a thread that needs the GIL after that. On 3.15 finalization waits for
// them, without a limit.
func CloseGIL() { C.pp_gil_close() }

// WithoutGIL runs f with the GIL released, so that other threads can run
// Python meanwhile. The caller must hold the GIL, and holds it again
// afterwards.
func WithoutGIL(f func()) {
	state := C.PyEval_SaveThread()
	defer C.PyEval_RestoreThread(state)
	f()
}

// IncRef adds one reference to o. Needs the GIL.
func IncRef(o Object) { C.pp_incref((*C.PyObject)(o)) }

// DecRef releases one reference to o. Needs the GIL; may run Python code.
func DecRef(o Object) { C.pp_decref((*C.PyObject)(o)) }

// RefCount is the number of Python references to o now. Needs the GIL.
func RefCount(o Object) int { return int(C.pp_refcnt((*C.PyObject)(o))) }

// TakeError clears the pending Python exception and returns it as a Go error;
// nil without one. Needs the GIL.
func TakeError() error {
	text := C.pp_take_error()
	if text == nil {
		return nil
	}
	defer C.free(unsafe.Pointer(text))
	return &Error{Text: C.GoString(text)}
}

// Error is a Python exception that reached Go.
type Error struct {
	Text string // "Type: message"
}

// Error is the exception's type and message, behind "python: ".
func (e *Error) Error() string { return "python: " + e.Text }

// Namespace is a Python dict in which code runs, like a module's.
type Namespace struct{ dict *C.PyObject }

// NewNamespace returns an empty namespace with the builtins. Close it.
func NewNamespace() Namespace {
	n := Namespace{C.PyDict_New()}
	name := C.CString("__builtins__")
	defer C.free(unsafe.Pointer(name))
	C.PyDict_SetItemString(n.dict, name, C.PyEval_GetBuiltins())
	return n
}

// Close releases the namespace.
func (n Namespace) Close() { DecRef(Object(n.dict)) }

// Set binds a name; the namespace takes a reference of its own.
func (n Namespace) Set(name string, value Object) {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	C.PyDict_SetItemString(n.dict, c, (*C.PyObject)(value))
}

// Get is a borrowed reference to what a name is bound to, nil if it is not.
func (n Namespace) Get(name string) Object {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	return Object(C.PyDict_GetItemString(n.dict, c))
}

// Exec runs statements.
func (n Namespace) Exec(source string) error {
	result, err := n.run(source, C.Py_file_input)
	if result != nil {
		DecRef(result)
	}
	return err
}

// Eval evaluates one expression and returns a new reference.
func (n Namespace) Eval(source string) (Object, error) {
	return n.run(source, C.Py_eval_input)
}

// Truth evaluates one expression to a bool.
func (n Namespace) Truth(source string) (bool, error) {
	o, err := n.Eval(source)
	if err != nil {
		return false, err
	}
	defer DecRef(o)
	truth := C.PyObject_IsTrue((*C.PyObject)(o))
	if truth < 0 {
		return false, TakeError()
	}
	return truth == 1, nil
}

func (n Namespace) run(source string, mode C.int) (Object, error) {
	src, file := C.CString(source), C.CString("<go>")
	defer C.free(unsafe.Pointer(src))
	defer C.free(unsafe.Pointer(file))
	result := C.pp_run(src, file, mode, n.dict)
	if result == nil {
		return nil, TakeError()
	}
	return Object(result), nil
}
