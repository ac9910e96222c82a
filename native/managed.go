package native

import (
	"runtime"
	"sync/atomic"
	"time"
	"weak"
)

// Managed is an [Object] for Go code that does not count: an ordinary pointer, to
// store, hand around and forget. It owns one counted reference to its object, which
// Go's garbage collector gives back when the pointer is found unreachable.
//
// An object has at most one Managed at a time. When that was found unreachable, but
// the object lives because somebody counts, the next [Object.Managed] is another
// one, which nobody can tell: whoever could compare the two would have kept the
// first.
//
// # Why two
//
// Go's collector can be asked to run a function when something is unreachable in
// two ways. A finalizer may bring its object back, but a chain of such objects dies
// one link a collection, and a cycle of them never. A cleanup has neither limit,
// but the object is gone by then, and a wrapper that a weak reference revived in
// the meantime would stand for nothing. So what is collected is this pointer, and
// what is needed afterwards stays with the counted Object.
type Managed struct {
	object *Object

	// The runtime keeps the cleanups of a page's objects in one sorted list. With
	// objects as small as a pointer that list is a thousand long, and making one
	// takes twice as long.
	_ [7]uintptr
}

// released counts the cleanups that have run.
var released atomic.Int64

// NewManaged returns an object that is not counted by the caller.
func (l *Library) NewManaged(message string) *Managed {
	o := l.New(message)
	m := o.Managed()
	o.Release()
	return m
}

// Managed is the object's pointer for Go code that does not count, made if there is
// none. The caller must hold a reference, or the lock under which the other side
// lends one out.
func (o *Object) Managed() *Managed {
	o.Header()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.managed()
}

// managed is Managed for callers that hold o.mu.
func (o *Object) managed() *Managed {
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

// Root keeps the object's Managed reachable from now on if held returns true, as if Go code had
// stored it, and no longer if it returns false: for code in other languages that stands for
// such. held is called with the object's lock, so of two calls at once the later one decides.
func (o *Object) Root(held func() bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case held():
		m := o.managed()
		o.body.root = m
	case o.body != nil:
		o.body.root = nil
	}
}

// Object is the counted object. It is good for as long as m is reachable: see
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
// them keeps its objects alive, whatever Go's collector thinks of the pointers.
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

// Collect runs Go's garbage collector until it gives back no more references, but not more than
// 100 times, and returns when all it found have been released. A chain that another thread
// releases meanwhile, link by link, may need as many collections as it has links. For tests and for measuring; a
// program leaves it to the runtime when to collect.
func Collect() {
	for quiet, n := 0, 0; quiet < 2 && n < 100; quiet, n = quiet+1, n+1 {
		before := released.Load()
		done := make(chan struct{})
		leave(done)
		runtime.GC()
		// Cleanups run in the order they were queued, but several at a time.
		<-done
		time.Sleep(100 * time.Microsecond)
		if released.Load() != before {
			quiet = -1
		}
	}
}

// leave makes something unreachable whose cleanup closes done.
//
//go:noinline
func leave(done chan struct{}) {
	runtime.AddCleanup(&struct{ p *int }{}, func(done chan struct{}) { close(done) }, done)
}
