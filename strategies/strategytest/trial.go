package strategytest

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/stretchr/testify/require"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
	"pyobject-preservation/strategies"
)

// promise is one thing the kit checks.
type promise struct {
	name string
	keep func(*trial)
}

// trial is one promise put to one strategy. It runs without the GIL; its
// methods take it. Failures are collected rather than reported, so that the kit
// itself can be tested.
type trial struct {
	*require.Assertions
	declared strategies.Declaration
	b        *wrapper.Binding
	lib      *native.Library
	space    cpython.Namespace // where exec runs: m is the module, foreign another strategy's

	mu       sync.Mutex
	failures []string
}

// stop ends a trial after require has failed.
type stop struct{}

// Errorf and FailNow are the part of *testing.T that testify needs.
func (t *trial) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, fmt.Sprintf(format, args...))
}

func (t *trial) FailNow() { panic(stop{}) }

// check puts p to s and returns what went wrong.
func check(s strategies.Strategy, p promise) []string {
	t := &trial{declared: s.Declaration().On(cpython.BuiltFor())}
	t.Assertions = require.New(t)
	t.guard(func() { t.try(s, p) })
	return t.failures
}

// guard runs f and makes a failure of a panic.
func (t *trial) guard(f func()) {
	defer func() {
		switch r := recover(); r {
		case nil, stop{}:
		default:
			t.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	f()
}

func (t *trial) try(s strategies.Strategy, p promise) {
	t.b = wrapper.Attach(s)
	t.lib = t.b.Library()
	cpython.WithGIL(func() {
		t.space = cpython.NewNamespace()
		t.bind("m", t.b)
		t.bind("foreign", wrapper.Attach(other(t.declared.Name)))
	})
	t.exec(oracle)
	objects, wrappers := left(t.b)
	t.guard(func() { p.keep(t) })
	cpython.WithGIL(t.space.Close)
	nowObjects, nowWrappers := left(t.b)
	t.Equal(objects, nowObjects, "native objects alive after this promise, against before")
	t.Equal(wrappers, nowWrappers, "wrappers (created - freed) after this promise, against before")
}

// bind gives a strategy's module a name. Needs the GIL.
func (t *trial) bind(name string, b *wrapper.Binding) {
	module, err := b.Module()
	t.NoError(err, "the strategy's module cannot be made")
	defer cpython.DecRef(module)
	t.space.Set(name, module)
}

// other is some strategy that is not the one called name.
func other(name string) strategies.Strategy {
	for _, s := range strategies.All() {
		if d := s.Declaration(); d.Name != name {
			return s
		}
	}
	panic("strategytest: there is only one strategy")
}

// exec runs Python statements.
func (t *trial) exec(source string) {
	cpython.WithGIL(func() { t.NoError(t.space.Exec(source), "in:\n%s", source) })
}

// truth evaluates a Python expression.
func (t *trial) truth(source string) (truth bool) {
	cpython.WithGIL(func() {
		var err error
		truth, err = t.space.Truth(source)
		t.NoError(err, "in: %s", source)
	})
	return truth
}

// wrap binds a Python name to the wrapper of o, whose only Python reference of
// ours is that name.
func (t *trial) wrap(name string, o *native.Object) {
	cpython.WithGIL(func() {
		w, err := t.b.Wrap(o)
		t.NoError(err)
		defer cpython.DecRef(w)
		t.space.Set(name, w)
	})
}

// unwrap is the native object of the wrapper that a Python name is bound to,
// with a reference for the caller.
func (t *trial) unwrap(name string) (o *native.Object) {
	cpython.WithGIL(func() {
		var err error
		o, err = t.b.Unwrap(t.space.Get(name))
		t.NoError(err)
	})
	return o
}

// release releases a native reference with the GIL, as C code would.
func (t *trial) release(o *native.Object) {
	cpython.WithGIL(func() { t.b.Release(o) })
}

// releaseOnGoroutine releases a native reference without the GIL, and drains.
func (t *trial) releaseOnGoroutine(o *native.Object) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.Release()
	}()
	<-done
	t.drain()
}

// waysToRelease are both of the above, by what they are called in messages.
func (t *trial) waysToRelease() map[string]func(*native.Object) {
	return map[string]func(*native.Object){"with the GIL": t.release, "on a goroutine": t.releaseOnGoroutine}
}

func (t *trial) drain() { cpython.WithGIL(t.b.Drain) }

// agrees compares what was seen of a property of the matrix with what the
// strategy says about it.
func (t *trial) agrees(property string, holds bool) {
	reason, breaks := t.declared.Breaks[property]
	switch {
	case holds && breaks:
		t.Errorf("%s is declared to break (%q), but it holds", property, reason)
	case !holds && !breaks:
		t.Errorf("%s does not hold, and Breaks gives no reason for it", property)
	}
}

func (t *trial) breaks(property string) bool {
	_, breaks := t.declared.Breaks[property]
	return breaks
}
