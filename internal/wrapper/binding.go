package wrapper

/*
#include "methods.h"
#include <stdlib.h>

static void pp_retain(const pp_strategy *s, pp_header *h) { s->retain(h); pp_give_to_go(h); }
static void pp_release(const pp_strategy *s, pp_header *h) { s->release(h); }
static PyObject *pp_wrap(const pp_strategy *s, pp_header *h) { return s->wrap(h); }
static int64_t pp_count(const pp_strategy *s, pp_header *h) { return s->counting->count(h); }
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/cgo"
	"sync"
	"sync/atomic"
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

// Binding is a strategy connected to Python: its module, and the library of
// the objects that it wraps. A process has one for each strategy.
type Binding struct {
	strategy strategies.Strategy
	library  *native.Library
	table    *C.pp_strategy
}

var (
	bindings   []*Binding // by pp_state.index; only appended to, under attachMu
	attachMu   sync.Mutex
	boundNames = map[string]*Binding{}
)

// Attach connects a strategy, or returns the binding that exists already. It
// needs the GIL the first time: C code finds bindings by index.
func Attach(s strategies.Strategy) *Binding {
	attachMu.Lock()
	defer attachMu.Unlock()
	name := s.Declaration().Name
	if b := boundNames[name]; b != nil {
		return b
	}
	b := &Binding{strategy: s, library: new(native.Library), table: (*C.pp_strategy)(s.Table())}
	if got := C.GoString(b.table.name); got != name {
		panic(fmt.Sprintf("wrapper: strategy %q has the table of %q", name, got))
	}
	if bool(b.table.needs_gil) != (s.Declaration().NeedsGIL != "") {
		panic(fmt.Sprintf("wrapper: strategy %q and its table disagree about whether it needs the GIL", name))
	}
	C.pp_attach(b.table, C.int(len(bindings)))
	bindings = append(bindings, b)
	boundNames[name] = b
	hooks := native.Hooks{
		Header:   newHeader,
		Free:     b.freeHeader,
		Release:  b.releaseUnattached,
		Dispatch: b.dispatch,
		Long:     b.takesLong,
	}
	hooks.QueueAll = bool(b.table.queue_all)
	if b.table.edges != nil {
		hooks.EdgeRemoved = b.edgeRemoved
	}
	if b.table.counting != nil {
		hooks.Count = func(h *native.Header) int64 { return int64(C.pp_count(b.table, cHeader(h))) }
	}
	b.library.Attach(hooks)
	return b
}

// takesLong is [native.Hooks].Long.
func (b *Binding) takesLong(rest func()) bool {
	handle := cgo.NewHandle(rest)
	if C.pp_takes_long(b.table, C.uintptr_t(handle)) {
		return true
	}
	handle.Delete()
	return false
}

// WatchForks registers the fork handler of the process, whether or not a strategy is attached.
func WatchForks() { C.pp_watch_forks() }

// Forked reports whether this process is the child of a fork since then: Go's other
// threads do not exist in it.
func Forked() bool { return C.pp_forked() != 0 }

// Disarm ends the connection of every library with Python, for when the
// interpreter shuts down: from now on native objects that outlive Python leak
// their wrappers, silently and safely.
func Disarm() {
	attachMu.Lock()
	defer attachMu.Unlock()
	C.pp_disarm()
	disarmed.Store(true)
	for _, b := range bindings {
		b.library.Disarm()
	}
}

// Strategy is what the binding was made from.
func (b *Binding) Strategy() strategies.Strategy { return b.strategy }

// Library makes the native objects that this binding wraps.
func (b *Binding) Library() *native.Library { return b.library }

// Table is the strategy's *pp_strategy, for C code that measures it.
func (b *Binding) Table() unsafe.Pointer { return unsafe.Pointer(b.table) }

// Live is the number of live native objects of this binding. Spare objects and those not
// yet given back to Go do not count.
func (b *Binding) Live() int64 { return b.library.Live() - int64(C.pp_idle(b.table.state)) }

// moduleMaker is a strategy with a module of its own, which uses none of the scaffolding.
type moduleMaker interface{ NewModule() cpython.Object }

// NewModule returns a new reference to the strategy's module, made at the first
// call: pp.strategy(name). nil, with a Python exception pending, on failure. Needs the GIL.
func (b *Binding) NewModule() cpython.Object {
	if own, ok := b.strategy.(moduleMaker); ok {
		return own.NewModule()
	}
	name := C.CString(Package)
	defer C.free(unsafe.Pointer(name))
	return cpython.Object(C.pp_module(b.table, name))
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
	if b.table.state.module == nil {
		m, err := b.Module() // the first use makes the classes
		if err != nil {
			return nil, err
		}
		cpython.DecRef(m)
	}
	w := C.pp_wrap(b.table, cHeader(o.Header()))
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

// Unwrap returns the native object of a wrapper, with a native reference that the caller must
// release. It fails for anything but a wrapper of this strategy. Needs the GIL.
func (b *Binding) Unwrap(w cpython.Object) (*native.Object, error) {
	if b.table.state.module == nil {
		return nil, fmt.Errorf("wrapper: strategy %s has no wrappers yet", b.strategy.Declaration().Name)
	}
	h := C.pp_unwrap(b.table, (*C.PyObject)(w))
	if h == nil {
		return nil, cpython.TakeError()
	}
	if b.table.lookup == nil { // else the look-up has taken one
		C.pp_retain(b.table, h) // in C: with the wrapper's reference, attached
	}
	return Object(handleOf((*native.Header)(unsafe.Pointer(h)))), nil
}

// Release releases one native reference at once; the wrapper may die of it. Needs the GIL.
// Without it call o.Release: the wrapper then dies as soon as a thread has the GIL. Like
// o.Release it panics, and changes nothing, if the only reference is the wrapper's.
func (b *Binding) Release(o *native.Object) {
	b.owns(o)
	h := o.Header()
	if atomic.LoadInt64(&h.Refs) == native.HasWrapper|1 {
		panic(fmt.Sprintf("object %d: %v", o.ID(), native.ErrWrapperOnly))
	}
	C.pp_release(b.table, cHeader(h))
}

// Drain returns when what goroutines have handed over, and what follows from that, has been
// released, by this thread or by another, or after a second. It does not wait if a drain has called it. Needs the GIL, which
// it releases while it waits.
func (b *Binding) Drain() { C.pp_settle_all(b.table) }

// Stats are a strategy's counters; see the module's stats() for their meaning.
type Stats struct {
	WrappersCreated, WrappersFreed, Flips, Resurrections, Drained int64
}

// Stats returns the counters.
func (b *Binding) Stats() Stats {
	t := C.pp_total(b.table.state)
	return Stats{
		WrappersCreated: int64(t.wrappers_created),
		WrappersFreed:   int64(t.wrappers_freed),
		Flips:           int64(t.flips),
		Resurrections:   int64(t.resurrections),
		Drained:         int64(t.drained),
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

// Owns reports whether o is an object of the binding with this index.
func Owns(index int, o *native.Object) bool { return o.Library() == bindings[index].library }
