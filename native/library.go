package native

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// lastID is the newest id given out by any library of the process.
var lastID atomic.Uint64

// Library is a set of objects that share hooks and one count of live objects.
// The zero value is ready for use by pure Go programs.
type Library struct {
	hooks  atomic.Pointer[Hooks]
	live   atomic.Int64
	number uint32 // of those whose headers a side supplies, from 1; else 0
}

// numbered are the libraries that have a number. A header in another language's memory names its
// library so, because it cannot contain a Go pointer. They are never freed.
var (
	numbered   atomic.Pointer[[]*Library]
	numberedMu sync.Mutex // to replace it
)

// Attach connects a side in another language. It must be called before the
// first object is made, and panics otherwise: objects made earlier would have
// headers that the side cannot see.
func (l *Library) Attach(h Hooks) {
	if l.live.Load() != 0 {
		panic("native: Attach on a library that has objects already")
	}
	if h.Header != nil && l.number == 0 {
		l.number = l.enumerate()
	}
	l.hooks.Store(&h)
}

func (l *Library) enumerate() uint32 {
	numberedMu.Lock()
	defer numberedMu.Unlock()
	var all []*Library
	if known := numbered.Load(); known != nil {
		all = slices.Clone(*known)
	}
	all = append(all, l)
	if len(all) >= 1<<(32-libraryShift) {
		panic("native: too many libraries are attached")
	}
	numbered.Store(&all)
	return uint32(len(all))
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
	(*Header)(o.header).ID = ReserveIDs(1)
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
// spare once more, or the other side has it destroyed by [Object.Finish]. It must do the latter if
// Go code may have kept a pointer.
func (l *Library) NewSpare(n int, take func(*Header)) {
	l.live.Add(int64(n))
	for range n {
		take((*Header)(l.make(0).header))
	}
}

// ReserveIDs returns the first of n consecutive numbers, which no other object gets.
func ReserveIDs(n int) uint64 { return lastID.Add(uint64(n)) - uint64(n) + 1 }

func (l *Library) make(refs int64) *Object {
	o := new(Object)
	var h *Header
	if l.number != 0 {
		h = l.hooks.Load().Header(o)
		h.Flags |= l.number << libraryShift
	} else {
		h = &(&ownHeader{library: l}).Header
	}
	h.Refs = refs // plain: no other goroutine can reach the object yet
	o.header = unsafe.Pointer(h)
	return o
}
