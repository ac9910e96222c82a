package native

import (
	"sync/atomic"
)

// lastID is the newest id given out by any library of the process.
var lastID atomic.Uint64

// Library is a set of objects that share hooks and one count of live objects.
// The zero value is ready for use by pure Go programs.
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

// Disarm ends the connection to the other side, as when an interpreter shuts down. Objects
// stay valid and can still be released. The other side is no longer notified, and their
// wrappers leak. Only EdgeRemoved is still called: code of the other side may run
// for a while and must not find an edge to a destroyed object.
//
// The other side still supplies headers and takes them back: their memory outlives the
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
	o := l.make(1)
	o.header.ID = ReserveIDs(1)
	o.id.Store(o.header.ID)
	l.live.Add(1)
	if message != "" {
		o.edit().message = message
	}
	return o
}

// NewSpare makes n spare objects and passes their headers to take. A spare object has no
// number and no reference, and counts as alive.
//
// The other side begins an object with a spare one, without calling Go: it sets the header's
// ID, from [ReserveIDs], and then Refs to 1. When it has taken Refs to 0 again, the object is
// spare once more, or the other side has it destroyed by [Object.Finish]. After a call of
// [Object.Begun] it must do the latter, because Go code may have kept a pointer.
func (l *Library) NewSpare(n int, take func(*Header)) {
	l.live.Add(int64(n))
	for range n {
		take(l.make(0).header)
	}
}

// ReserveIDs returns the first of n consecutive numbers, which no other object gets.
func ReserveIDs(n int) uint64 { return lastID.Add(uint64(n)) - uint64(n) + 1 }

func (l *Library) make(refs int64) *Object {
	o := &Object{lib: l}
	var h *Header
	if hooks := l.hooks.Load(); hooks != nil && hooks.Header != nil {
		h = hooks.Header(o)
	} else {
		h = new(Header)
	}
	h.Refs = refs // plain: no other goroutine can reach the object yet
	o.header = h
	return o
}
