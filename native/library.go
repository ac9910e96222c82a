package native

import (
	"sync/atomic"
)

// lastID is the newest id given out by any library of the process.
var lastID atomic.Uint64

// Library is a family of objects that share one set of hooks and one count of
// what is alive. The zero value is ready for use by pure Go programs.
type Library struct {
	hooks atomic.Pointer[Hooks]
	live  atomic.Int64
}

// Attach connects a side in another language. It must be called before the
// first object is made, and panics otherwise: objects made earlier would have
// headers that the side cannot see.
func (l *Library) Attach(h Hooks) {
	if l.live.Load() != 0 {
		panic("native: Attach on a library that has objects already")
	}
	l.hooks.Store(&h)
}

// Disarm tells the library that the other side is gone for good, as when an interpreter shuts
// down. Objects stay valid and can still be released; the other side is not told any more,
// and their wrappers leak. Only EdgeRemoved is still called: code of the other side may run
// for a while and must not find an edge to a destroyed object.
//
// Headers keep coming from the side, and go back to it: that is memory, and outlives the
// interpreter.
func (l *Library) Disarm() {
	if old := l.hooks.Load(); old != nil {
		l.hooks.Store(&Hooks{Header: old.Header, Free: old.Free, EdgeRemoved: old.EdgeRemoved, Count: old.Count})
	}
}

// Live is the number of objects of this library that exist now.
func (l *Library) Live() int64 { return l.live.Load() }

// New returns an object with the given message and one reference, which
// belongs to the caller.
func (l *Library) New(message string) *Object {
	o := l.make(lastID.Add(1))
	l.live.Add(1)
	if message != "" {
		o.edit().message = message
	}
	return o
}

// NewBatch makes n objects without a message, each with one reference that passes to take.
func (l *Library) NewBatch(n int, take func(*Object)) {
	l.live.Add(int64(n))
	for id := lastID.Add(uint64(n)) - uint64(n); n > 0; n-- {
		id++
		take(l.make(id))
	}
}

func (l *Library) make(id uint64) *Object {
	o := &Object{lib: l, id: id}
	var h *Header
	if hooks := l.hooks.Load(); hooks != nil && hooks.Header != nil {
		h = hooks.Header(o)
	} else {
		h = new(Header)
	}
	h.ID = id
	h.Refs = 1 // plain: nobody else knows of the object yet
	o.header = h
	return o
}
