package wrapper

/*
#include <stdlib.h>
#include "wrapper.h"

static void pp_first(pp_side *side, pp_header *h) { side->first(side, h); }
static void pp_take(pp_side *side, pp_header *h) { pp_retain(side, h); }
static PyObject *pp_wrap(pp_side *side, pp_header *h) { return side->wrap(side, h); }
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/native"
	"pyobject-preservation/strategies"
)

// Package is the name that the strategies' modules are submodules of.
const Package = "pyobject_preservation"

// ErrPending means that a Python exception is set in the calling thread, which
// holds the GIL: return to Python, or take it with cpython.TakeError.
var ErrPending = errors.New("wrapper: a Python exception is pending")

// Binding is a strategy connected to Python: its module, and the library whose
// objects its wrappers stand for. There is one of each strategy in a process.
type Binding struct {
	strategy strategies.Strategy
	library  *native.Library
	side     *C.pp_side
}

var (
	bindings   []*Binding // by index of the side; only appended to, under attachMu
	attachMu   sync.Mutex
	boundNames = map[string]*Binding{}
)

// Attach connects a strategy, or returns the binding that exists already. It
// needs the GIL the first time: sides are found by index from C.
func Attach(s strategies.Strategy) *Binding {
	attachMu.Lock()
	defer attachMu.Unlock()
	name := s.Declaration().Name
	if b := boundNames[name]; b != nil {
		return b
	}
	b := &Binding{strategy: s, library: new(native.Library), side: (*C.pp_side)(s.Table())}
	if got := C.GoString(b.side.name); got != name {
		panic(fmt.Sprintf("wrapper: strategy %q has the table of %q", name, got))
	}
	C.pp_watch_forks(b.side)
	b.side.index = C.int(len(bindings))
	bindings = append(bindings, b)
	boundNames[name] = b
	hooks := native.Hooks{
		Header:   newHeader,
		Free:     b.freeHeader,
		Last:     b.last,
		Dispatch: b.dispatch,
		Idle:     func() int64 { return int64(C.pp_idle(b.side)) },
	}
	if b.side.first != nil {
		hooks.First = func(_ *native.Object, h *native.Header) { C.pp_first(b.side, cHeader(h)) }
	}
	if b.side.edge_gone != nil {
		hooks.Unlink = b.unlink
	}
	if b.side.counted_release != nil {
		hooks.Count = func(h *native.Header) int64 { return int64(C.pp_count(cHeader(h))) }
	}
	b.library.Attach(hooks)
	return b
}

// WatchForks has the process notice when it is forked, whether a strategy is attached or not.
func WatchForks() { C.pp_watch_forks(nil) }

// Forked reports whether this process is the child of a fork since: then Go has no other
// threads.
func Forked() bool { return C.pp_forked() != 0 }

// Disarm ends the connection of every library with Python, for when the
// interpreter shuts down: from now on native objects that outlive Python leak
// their wrappers, silently and safely.
func Disarm() {
	attachMu.Lock()
	defer attachMu.Unlock()
	C.pp_disarm()
	for _, b := range bindings {
		b.library.Disarm()
	}
}

// Strategy is what the binding was made from.
func (b *Binding) Strategy() strategies.Strategy { return b.strategy }

// Library makes the native objects that this binding wraps.
func (b *Binding) Library() *native.Library { return b.library }

// Side is the C table, a *pp_side, for C code that measures it.
func (b *Binding) Side() unsafe.Pointer { return unsafe.Pointer(b.side) }

// NewModule returns a new reference to the strategy's module, which is made the
// first time: pp.strategy(name). nil with a Python exception pending when it
// could not be made. Needs the GIL.
func (b *Binding) NewModule() cpython.Object {
	name := C.CString(Package)
	defer C.free(unsafe.Pointer(name))
	return cpython.Object(C.pp_module(b.side, name))
}

// Module is [Binding.NewModule] for callers in Go, with a Go error.
func (b *Binding) Module() (cpython.Object, error) {
	if m := b.NewModule(); m != nil {
		return m, nil
	}
	return nil, cpython.TakeError()
}

// Wrap returns a new reference to the Python object for o. The caller keeps
// its native reference, and needs one throughout. Needs the GIL.
func (b *Binding) Wrap(o *native.Object) (cpython.Object, error) {
	b.owns(o)
	if b.side.module == nil {
		m, err := b.Module() // the first use makes the classes
		if err != nil {
			return nil, err
		}
		cpython.DecRef(m)
	}
	w := C.pp_wrap(b.side, cHeader(o.Header()))
	if w == nil {
		return nil, cpython.TakeError()
	}
	return cpython.Object(w), nil
}

// WrapManaged is [Binding.Wrap] for an object that Go code does not count.
func (b *Binding) WrapManaged(m *native.Managed) (cpython.Object, error) {
	defer runtime.KeepAlive(m)
	return b.Wrap(m.Object())
}

// UnwrapManaged is [Binding.Unwrap] for Go code that does not count: there is nothing
// to release. Needs the GIL.
func (b *Binding) UnwrapManaged(w cpython.Object) (*native.Managed, error) {
	o, err := b.Unwrap(w)
	if err != nil {
		return nil, err
	}
	defer b.Release(o)
	return o.Managed(), nil
}

// Unwrap returns the native object that a wrapper stands for, with a native
// reference for the caller, who must release it. It fails for anything but a
// wrapper of this strategy. Needs the GIL.
func (b *Binding) Unwrap(w cpython.Object) (*native.Object, error) {
	if b.side.module == nil {
		return nil, fmt.Errorf("wrapper: strategy %s has no wrappers yet", b.strategy.Declaration().Name)
	}
	h := C.pp_unwrap(b.side, (*C.PyObject)(w))
	if h == nil {
		return nil, cpython.TakeError()
	}
	C.pp_take(b.side, h) // in C: only there a reference can be made of the wrapper's
	return objects.Get(uint64(h.handle)), nil
}

// Release gives one native reference back and sees at once to what follows
// from it, such as the death of the wrapper. Needs the GIL; without it call
// o.Release, and what follows comes as soon as some thread has the GIL.
func (b *Binding) Release(o *native.Object) {
	b.owns(o)
	C.pp_release(b.side, cHeader(o.Header()))
}

// Drain sees to what follows from releases on goroutines. Needs the GIL.
func (b *Binding) Drain() { C.pp_drain(b.side) }

// Stats are a strategy's counters; see the module's stats() for their meaning.
type Stats struct {
	WrappersCreated, WrappersFreed, Flips, Resurrections, Drained int64
}

// Stats returns the counters. Needs the GIL.
func (b *Binding) Stats() Stats {
	return Stats{
		WrappersCreated: int64(b.side.wrappers_created),
		WrappersFreed:   int64(b.side.wrappers_freed),
		Flips:           int64(b.side.flips),
		Resurrections:   int64(b.side.resurrections),
		Drained:         int64(b.side.drained),
	}
}

func (b *Binding) owns(o *native.Object) {
	if o.Library() != b.library {
		panic(fmt.Sprintf("wrapper: native object %d is not one of strategy %s", o.ID(), b.strategy.Declaration().Name))
	}
}

func pythonError(text *C.char) error {
	if text == nil {
		return ErrPending
	}
	defer C.free(unsafe.Pointer(text))
	return &cpython.Error{Text: C.GoString(text)}
}

// Owns reports whether o is an object of the strategy whose side has this
// index.
func Owns(index int, o *native.Object) bool { return o.Library() == bindings[index].library }
