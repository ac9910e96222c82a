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

// Disarm tells the library that the other side is gone for good, as when an
// interpreter shuts down. Objects stay valid and can still be released; what
// stood for them on the other side is no longer told, and leaks. Only a mirror still hears of
// removed edges, because code of the other side may go on for a while, and must not
// find an object in there that is no more.
//
// Headers keep coming from the side, and go back to it: that is memory, and
// outlives the interpreter.
func (l *Library) Disarm() {
	old := l.hooks.Load()
	if old == nil {
		return
	}
	l.hooks.Store(&Hooks{Header: old.Header, Free: old.Free, First: old.First, Unlink: old.Unlink, Idle: old.Idle, Count: old.Count})
}

// Live is the number of objects of this library that are alive now and that
// somebody has: what the other side keeps in stock, or has still to finish
// off, is not counted.
func (l *Library) Live() int64 {
	n := l.live.Load()
	if hooks := l.hooks.Load(); hooks != nil && hooks.Idle != nil {
		n -= hooks.Idle()
	}
	return n
}

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

// NewStock makes n objects without a message, each with one reference that
// passes to take. It is for a side that keeps a stock, because entering Go once
// for many is cheaper than once for each.
func (l *Library) NewStock(n int, take func(*Object)) {
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
