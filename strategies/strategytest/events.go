package strategytest

import (
	"errors"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
)

var eventPromises = []promise{
	{"EmitReachesTheOverriddenHandler", emitReachesOverride},
	{"ExceptionInAHandlerIsAGoError", exceptionInHandler},
}

// emit delivers an event from a goroutine without the GIL, as native code's own
// threads do.
func (t *trial) emit(o *native.Object, event int64) (answer int64, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer, err = o.Emit(event)
	}()
	<-done
	return answer, err
}

func emitReachesOverride(t *trial) {
	t.exec(`
class Sub(m.MyClass):
    def on_event(self, n):
        return n * 2
a = Sub()
`)
	o := t.unwrap("a")
	// What a wrap gives while the wrapper lives is what an event reaches.
	want := int64(42)
	if t.breaks("I1") {
		want = 21
	}
	answer, err := t.emit(o, 21)
	t.NoError(err)
	t.Equal(want, answer, "from a goroutine without the GIL")
	cpython.WithGIL(func() { answer, err = o.Emit(21) })
	t.NoError(err)
	t.Equal(want, answer, "with the GIL")
	t.exec("del a")
	t.release(o)

	o = t.lib.New("")
	answer, err = t.emit(o, -1)
	t.NoError(err)
	t.EqualValues(-1, answer, "MyClass itself answers with the event")
	t.release(o)
}

func exceptionInHandler(t *trial) {
	// On MyClass itself, so that every wrapper has it.
	t.exec(`
original = m.MyClass.__dict__['on_event']
def on_event(self, n):
    raise KeyError('no such event')
m.MyClass.on_event = on_event
a = m.MyClass()
`)
	defer t.exec("m.MyClass.on_event = original; del a")
	o := t.unwrap("a")
	defer t.release(o)

	_, err := t.emit(o, 1)
	var python *cpython.Error
	t.True(errors.As(err, &python), "want a *cpython.Error, have %v", err)
	t.Equal("KeyError: 'no such event'", python.Text)

	cpython.WithGIL(func() {
		_, err := o.Emit(1)
		t.ErrorIs(err, wrapper.ErrPending, "a thread with the GIL finds the exception pending")
		t.ErrorContains(cpython.TakeError(), "KeyError")
	})
	t.exec("m.MyClass.on_event = lambda self, n: 'no int'")
	_, err = t.emit(o, 1)
	t.ErrorContains(err, "TypeError", "an answer that is not an int")
}
