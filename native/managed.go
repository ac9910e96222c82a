package native

import (
	"runtime"
	"sync/atomic"
	"time"
	"weak"
)

// Managed is an [Object] for Go code that does not count: an ordinary pointer
// without Retain and Release. It owns one counted reference to its object, which is
// released when Go's garbage collector finds the pointer unreachable.
//
// An object has at most one Managed at a time. If that was found unreachable while
// counted references keep the object alive, [Object.Managed] makes another. No code
// can compare the two: to keep the first for that would have kept it reachable.
//
// # Why Managed and Object are two things
//
// Go's collector can be asked to run a function when something is unreachable in
// two ways. A finalizer may resurrect its object, but a chain of such objects dies
// one link a collection, and a cycle of them never. A cleanup has neither limit,
// but runs when the object is gone already, and a wrapper that a weak reference
// revived meanwhile would have no native object. So only this pointer is collected,
// and the counted Object stays.
type Managed struct {
	object *Object

	// The runtime keeps the cleanups of a page's objects in one sorted list. For
	// objects of pointer size that list has a thousand entries, and making one
	// takes twice as long.
	_ [7]uintptr
}

// released counts the cleanups that have run, and running those that have begun and not ended.
var released, running atomic.Int64

// NewManaged returns an object that is not counted by the caller.
func (l *Library) NewManaged(message string) *Managed {
	o := l.New(message)
	m := o.Managed()
	o.Release()
	return m
}

// Managed is the object's pointer for Go code that does not count, made if
// necessary. The caller must hold a reference, or the lock under which the other
// side keeps one.
func (o *Object) Managed() *Managed {
	o.Header()
	defer o.lock().Unlock()
	b := o.edit()
	if m := b.managed.Value(); m != nil {
		return m
	}
	o.Retain()
	m := &Managed{object: o}
	b.managed = weak.Make(m)
	runtime.AddCleanup(m, forget, o)
	return m
}

func forget(o *Object) {
	o.Release()
	released.Add(1)
}

// AfterCollection has f called, on another goroutine and once, when a collection of Go's has ended
// that begins after the call. It is for code in other languages that represents Go code with
// pointers, and knows itself when no such code is left: what it would have made unreachable Go's
// collector would have found by then.
func AfterCollection(f func()) {
	leave(func() {
		running.Add(1)
		f()
		released.Add(1)
		running.Add(-1)
	})
}

// Object is the counted object. It is valid for as long as m is reachable: see
// [runtime.KeepAlive].
func (m *Managed) Object() *Object { return m.object }

// ID is the object's number: see [Object.ID].
func (m *Managed) ID() uint64 { return m.object.ID() }

// Message is the text the object carries.
func (m *Managed) Message() string {
	defer runtime.KeepAlive(m)
	return m.object.Message()
}

// SetMessage replaces the text.
func (m *Managed) SetMessage(s string) {
	defer runtime.KeepAlive(m)
	m.object.SetMessage(s)
}

// Append adds an edge to child; see [Object.Append]. Edges are counted: a cycle of
// them keeps its objects alive even if Go's collector finds the pointers unreachable.
func (m *Managed) Append(child *Managed) {
	defer runtime.KeepAlive(m)
	defer runtime.KeepAlive(child)
	m.object.Append(child.object)
}

// Remove takes the first edge to child away and reports whether there was one.
func (m *Managed) Remove(child *Managed) bool {
	defer runtime.KeepAlive(m)
	defer runtime.KeepAlive(child)
	return m.object.Remove(child.object)
}

// Children returns the edges in order. There is nothing to release.
func (m *Managed) Children() []*Managed {
	defer runtime.KeepAlive(m)
	var children []*Managed
	for _, child := range m.object.Children() {
		children = append(children, child.Managed())
		child.Release()
	}
	return children
}

// Emit delivers an event to the object: see [Object.Emit].
func (m *Managed) Emit(event int64) (int64, error) {
	defer runtime.KeepAlive(m)
	return m.object.Emit(event)
}

// Collect runs Go's garbage collector until it releases no more references, but at most 100
// times, and returns when all that it found have been released. A chain that another thread
// releases meanwhile, link by link, may need as many collections as it has links. For tests and
// measurements; in a program the runtime decides when to collect.
func Collect() {
	for quiet, n := 0, 0; quiet < 2 && n < 100; quiet, n = quiet+1, n+1 {
		before := released.Load()
		done := make(chan struct{})
		leave(func() { close(done) })
		runtime.GC()
		// Cleanups run in the order they were queued, but several at a time.
		<-done
		for time.Sleep(100 * time.Microsecond); running.Load() > 0; {
			time.Sleep(100 * time.Microsecond)
		}
		if released.Load() != before {
			quiet = -1
		}
	}
}

// leave makes an object unreachable whose cleanup calls f.
//
//go:noinline
func leave(f func()) {
	runtime.AddCleanup(&struct{ p *int }{}, func(f func()) { f() }, f)
}
