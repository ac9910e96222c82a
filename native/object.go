package native

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
	"weak"
)

// Object is the native half of a wrapped pair. Its methods may be called from
// any goroutine that holds a reference.
//
// # Memory
//
// A *Object is an ordinary Go pointer; what is counted is the right to use it.
// Using an object after its last reference is gone panics.
//
// An Object is three words. Most are nothing but the native half of a wrapper, and then their size is
// a good part of what one costs: what few have is in a body, and what C code needs is in the [Header].
// The destruction of an object allocates nothing. The caller may hold the other side's lock, and an
// allocation may wait for Go's collector.
type Object struct {
	header unsafe.Pointer // *Header, nil once gone; atomic, see load
	rest   unsafe.Pointer // *body, nil for as long as that would be empty; see lock. Once gone, *Library
	id     uint64         // once gone
}

// body is what few objects have.
type body struct {
	message  string
	children []*Object // each entry owns one reference

	payload   any
	destroyed func(payload any)

	managed weak.Pointer[Managed]
}

// load is the object's header, nil once the object is gone. header is not an atomic.Pointer so that
// New can set it before the object is published without paying for an atomic store.
func (o *Object) load() *Header { return (*Header)(atomic.LoadPointer(&o.header)) }

// known is what is known of any object, gone or not.
func (o *Object) known() (id uint64, l *Library) {
	if h := o.load(); h != nil {
		id, flags := atomic.LoadUint64(&h.ID), atomic.LoadUint32(&h.Flags)
		if o.load() == h { // else they may be another object's
			return id, libraryOf(h, flags)
		}
	}
	return o.id, (*Library)(atomic.LoadPointer(&o.rest))
}

// locks guard the objects' bodies, and keep the header of an object that is not gone. Each guards
// those with an address of its own; Go does not move them. A lock in each object would make it a third
// larger. Nothing is called with one locked that may lock another.
var locks [256]struct {
	sync.Mutex
	_ [64 - unsafe.Sizeof(sync.Mutex{})]byte
}

func (o *Object) lock() *sync.Mutex {
	mu := &locks[uintptr(unsafe.Pointer(o))/unsafe.Sizeof(*o)%uintptr(len(locks))].Mutex
	mu.Lock()
	return mu
}

// LockMemory is where the package's locks are, and their size in bytes. In the child of a fork, which has one thread,
// nothing unlocks what another thread had locked: code that forks must zero this memory there.
func LockMemory() (address unsafe.Pointer, size uintptr) {
	return unsafe.Pointer(&locks), unsafe.Sizeof(locks)
}

// body is the object's body, nil if it has none. The caller has locked o. It panics when the
// object is gone.
func (o *Object) body() *body {
	if o.load() == nil {
		panic(o.gone("used"))
	}
	return (*body)(o.rest)
}

// edit is the body, made if necessary, for a caller as that of body.
func (o *Object) edit() *body {
	if b := o.body(); b != nil {
		return b
	}
	b := new(body)
	o.rest = unsafe.Pointer(b)
	atomic.OrUint32(&o.load().Flags, HasBody)
	return b
}

// ID is the object's number: from 1, unique for the life of the process,
// never reused. It remains valid after the object is gone.
func (o *Object) ID() uint64 {
	id, _ := o.known()
	return id
}

// Library is the family the object belongs to.
func (o *Object) Library() *Library {
	_, l := o.known()
	return l
}

// Refs is the number of native references now. Another goroutine may change it
// at any time, so it is for tests and messages, not for decisions.
func (o *Object) Refs() int64 {
	h := o.load()
	if h == nil {
		return 0
	}
	n := atomic.LoadInt64(&h.Refs)
	if n&CountedElsewhere != 0 {
		if hooks := h.library().hooks.Load(); hooks.Count != nil {
			return hooks.Count(h)
		}
	}
	return n&^HasWrapper + int64(atomic.LoadUint32(&h.AttachedRefs))
}

// Header is the shared record. It panics when the object is gone. The caller
// must hold a reference for as long as it uses the result.
func (o *Object) Header() *Header {
	h := o.load()
	if h == nil || atomic.LoadInt64(&h.Refs)&^HasWrapper <= 0 {
		panic(o.gone("used"))
	}
	return h
}

func (o *Object) gone(verb string) string {
	return fmt.Sprintf("native: object %d was %s after its last reference was released", o.ID(), verb)
}

// The fixed sentences of errors that are not about a destroyed object. A panic puts the
// object's number before them.
var (
	// ErrGone is returned by [Object.Acquire] for an object that has been destroyed.
	ErrGone = errors.New("native: the object has been destroyed")

	// ErrWrapperOnly refuses to take or release a reference that is the wrapper's.
	ErrWrapperOnly = errors.New("native: the only reference is the wrapper's; take one through the wrapper, under its side's lock")

	// ErrOtherLibrary refuses an edge between objects of two libraries.
	ErrOtherLibrary = errors.New("native: an edge cannot join objects of two libraries")
)

func (o *Object) refused(err error) string { return fmt.Sprintf("object %d: %v", o.ID(), err) }

// Retain takes one more reference. The caller must hold one already: a count of zero is
// final, and the wrapper's reference is not the caller's. It panics otherwise, and changes
// nothing.
func (o *Object) Retain() {
	h := o.load()
	if h == nil {
		panic(o.gone("retained"))
	}
	switch n := atomic.AddInt64(&h.Refs, 1); {
	case n&^HasWrapper <= 1:
		atomic.AddInt64(&h.Refs, -1)
		panic(o.gone("retained"))
	case n == HasWrapper|2:
		atomic.AddInt64(&h.Refs, -1)
		panic(o.refused(ErrWrapperOnly))
	}
}

// Acquire takes a reference on behalf of a caller that holds none and found the object by a
// name that does not keep it alive. It returns [ErrGone] for a destroyed object, and
// [ErrWrapperOnly] for one that only its wrapper keeps, or other references that the other side
// counts itself (Header.AttachedRefs): then the other side's lock is needed.
func (o *Object) Acquire() error {
	// The header is given back only after the object was locked and gone: while we have the
	// lock, a header that is there is this object's.
	defer o.lock().Unlock()
	h := o.load()
	if h == nil {
		return ErrGone
	}
	for {
		n := atomic.LoadInt64(&h.Refs)
		switch {
		case n&^HasWrapper <= 0:
			return ErrGone // about to be destroyed
		case n == HasWrapper|1 || n&CountedElsewhere != 0:
			return ErrWrapperOnly
		case atomic.CompareAndSwapInt64(&h.Refs, n, n+1):
			return nil
		}
	}
}

// TryRetain is [Object.Acquire] for callers that do not ask why not.
func (o *Object) TryRetain() bool { return o.Acquire() == nil }

// Release releases one reference. The last one destroys the object, and
// releases the references of its edges, without recursion. It panics, and
// changes nothing, when there is no reference, or only the wrapper's.
//
// Release never blocks and never runs code of another language: see
// [Hooks.Release].
func (o *Object) Release() {
	if o.release() {
		o.Finish()
	}
}

// release releases one reference and reports whether the caller must destroy
// the object.
func (o *Object) release() bool {
	h := o.load()
	if h == nil {
		panic(o.gone("released"))
	}
	for {
		n := atomic.LoadInt64(&h.Refs)
		switch {
		case n&^HasWrapper <= 0:
			panic(o.gone("released"))
		case n == HasWrapper|1:
			panic(o.refused(ErrWrapperOnly))
		case n >= CountedElsewhere: // and not a count alone
			hooks := h.library().hooks.Load()
			if hooks.Release != nil && (n == HasWrapper|2 || n&CountedElsewhere != 0 || hooks.QueueAll) {
				hooks.Release(o, h)
				return false
			}
		}
		if atomic.CompareAndSwapInt64(&h.Refs, n, n-1) {
			return n == 1
		}
	}
}

// Finish destroys an object whose count is zero. [Object.Release] calls it; the
// other side calls it exactly once after a decrement of its own that reached
// zero.
func (o *Object) Finish() { o.Library().finish(o.destroy()) }

// finish releases one reference of each, the last first, and destroys what that leaves without any.
func (l *Library) finish(pending []*Object) {
	// A chain of a million objects dies in this loop, not on the stack.
	for steps := 0; len(pending) > 0; steps++ {
		if steps == longSteps {
			rest := pending
			if l.long(func() { l.finish(rest) }) {
				return
			}
		}
		last := len(pending) - 1
		child := pending[last]
		pending = pending[:last]
		if child.release() {
			pending = append(pending, child.destroy()...)
		}
	}
}

// longSteps are references released in a row after which [Hooks.Long] is called: a tenth of a
// millisecond.
const longSteps = 1000

func (l *Library) long(rest func()) bool {
	hooks := l.hooks.Load()
	return hooks != nil && hooks.Long != nil && hooks.Long(rest)
}

// destroy ends the object and returns its edges, whose references pass to the
// caller.
func (o *Object) destroy() []*Object {
	var had body
	mu := o.lock()
	h := o.load()
	if h == nil {
		mu.Unlock()
		panic(o.gone("destroyed"))
	}
	if b := (*body)(o.rest); b != nil {
		had = *b
	}
	l := h.library()
	o.id = h.ID
	atomic.StorePointer(&o.rest, unsafe.Pointer(l))
	atomic.StorePointer(&o.header, nil)
	mu.Unlock()
	if hooks := l.hooks.Load(); hooks != nil && hooks.Free != nil {
		hooks.Free(o, h)
	}
	l.live.Add(-1)
	if had.destroyed != nil {
		had.destroyed(had.payload)
	}
	return had.children
}

// Message is the text the object carries.
func (o *Object) Message() string {
	o.Header()
	defer o.lock().Unlock()
	if b := o.body(); b != nil {
		return b.message
	}
	return ""
}

// SetMessage replaces the text.
func (o *Object) SetMessage(s string) {
	o.Header()
	defer o.lock().Unlock()
	o.edit().message = s
}

// SetPayload gives the object a value of the caller's own, such as the struct that it stands for,
// in place of the one before. [Object.Payload] returns it, from Unwrap's result for example.
//
// destroyed, if not nil, is called once with the value when the object is destroyed: after its
// wrapper, and on the thread that releases the last reference, which may hold the GIL. So it must
// not wait for another thread that needs the GIL. It is not called for a value that is replaced.
func (o *Object) SetPayload(payload any, destroyed func(payload any)) {
	o.Header()
	defer o.lock().Unlock()
	b := o.edit()
	b.payload, b.destroyed = payload, destroyed
}

// Payload is what SetPayload set, nil if nothing.
func (o *Object) Payload() any {
	o.Header()
	defer o.lock().Unlock()
	if b := o.body(); b != nil {
		return b.payload
	}
	return nil
}

// Append adds an edge from o to child, which takes a reference of its own. The
// same child may be appended more than once. An edge to the object itself is
// allowed and, like every cycle of counted references, keeps it alive until
// the edge is removed.
//
// It panics with [ErrOtherLibrary] if child belongs to another library.
func (o *Object) Append(child *Object) {
	o.Header()
	if child.Library() != o.Library() {
		panic(o.refused(ErrOtherLibrary))
	}
	child.Retain()
	o.AppendOwned(child)
}

// AppendOwned is Append for a caller that passes a reference to child on to the edge.
func (o *Object) AppendOwned(child *Object) {
	defer o.lock().Unlock()
	b := o.edit()
	b.children = append(b.children, child)
}

// Remove takes the first edge to child away and reports whether there was one.
// The reference of the edge is released.
func (o *Object) Remove(child *Object) bool {
	h := o.Header()
	if !o.removeEdge(child) {
		return false
	}
	if hooks := h.library().hooks.Load(); hooks != nil && hooks.EdgeRemoved != nil && atomic.LoadInt64(&h.Refs)&HasWrapper != 0 {
		o.Retain()
		hooks.EdgeRemoved(o, child)
		return true
	}
	child.Release()
	return true
}

func (o *Object) removeEdge(child *Object) bool {
	defer o.lock().Unlock()
	b := o.body()
	if b == nil {
		return false
	}
	i := slices.Index(b.children, child)
	if i < 0 {
		return false
	}
	b.children = slices.Delete(b.children, i, i+1)
	return true
}

// RemoveAll removes every edge and releases what it held. For the other side: EdgeRemoved
// is not called.
func (o *Object) RemoveAll() { o.Header().library().releaseAll(o.takeChildren()) }

// releaseAll releases one reference of each, in order.
func (l *Library) releaseAll(objects []*Object) {
	for i, child := range objects {
		if i == longSteps {
			rest := objects[i:]
			if l.long(func() { l.releaseAll(rest) }) {
				return
			}
		}
		child.Release()
	}
}

func (o *Object) takeChildren() []*Object {
	defer o.lock().Unlock()
	b := o.body()
	if b == nil {
		return nil
	}
	children := b.children
	b.children = nil
	return children
}

// Children returns the edges in order, as a copy that holds a reference for
// each entry: the caller must release every one of them.
func (o *Object) Children() []*Object {
	o.Header()
	defer o.lock().Unlock()
	b := o.body()
	if b == nil {
		return nil
	}
	children := slices.Clone(b.children)
	for _, child := range children {
		child.Retain()
	}
	return children
}

// Emit delivers an event to the object and returns its handler's answer. The handler is the
// other side's, where it may be overridden; without another side the answer is the event
// itself. The caller must hold a reference throughout.
func (o *Object) Emit(event int64) (int64, error) {
	if hooks := o.Header().library().hooks.Load(); hooks != nil && hooks.Dispatch != nil {
		return hooks.Dispatch(o, event)
	}
	return event, nil
}
