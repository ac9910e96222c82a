//go:build cpy3

package cpy3_test

import (
	"testing"

	python3 "github.com/go-python/cpy3"
	"github.com/stretchr/testify/require"

	_ "pyobject-preservation/bench" // every registered strategy
	"pyobject-preservation/cpy3"
	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/cpython/embed"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
	"pyobject-preservation/strategies"
	"pyobject-preservation/strategies/strategytest"
)

func TestMain(m *testing.M) { strategytest.Main(m) }

// each runs a test for every strategy, with the GIL, and checks that it leaves
// no native object behind.
func each(t *testing.T, f func(t *testing.T, b *wrapper.Binding, d strategies.Declaration)) {
	for _, s := range strategies.All() {
		d := s.Declaration()
		t.Run(d.Name, func(t *testing.T) {
			cpython.WithGIL(func() {
				b, err := cpy3.Attach(d.Name)
				require.NoError(t, err)
				live := b.Live()
				f(t, b, d)
				cpython.WithoutGIL(native.Collect) // where Go's collector decides
				b.Drain()
				require.Equal(t, live, b.Live())
				require.Nil(t, python3.PyErr_Occurred(), "an exception was left behind")
			})
		})
	}
}

func TestTheInterpreterWasStartedByCpy3(t *testing.T) {
	require.Equal(t, "cpy3", embed.Starter)
	require.True(t, python3.Py_IsInitialized())
}

func TestAttachRefusesAnUnknownStrategy(t *testing.T) {
	cpython.WithGIL(func() {
		_, err := cpy3.Attach("unheardof")
		require.ErrorContains(t, err, `no strategy is called "unheardof"`)
	})
}

func TestWrappedObjectsAreUsableThroughCpy3(t *testing.T) {
	each(t, func(t *testing.T, b *wrapper.Binding, d strategies.Declaration) {
		o := b.Library().New("made in Go")
		w, err := cpy3.Wrap(b, o)
		require.NoError(t, err)
		defer b.Release(o)
		defer w.DecRef()

		text := w.CallMethodArgs("message")
		require.NotNil(t, text)
		defer text.DecRef()
		require.Equal(t, "made in Go", python3.PyUnicode_AsUTF8(text))

		id := w.CallMethodArgs("id")
		require.NotNil(t, id)
		defer id.DecRef()
		require.EqualValues(t, o.ID(), python3.PyLong_AsUnsignedLongLong(id))

		same, err := cpy3.Unwrap(b, w)
		require.NoError(t, err)
		require.Same(t, o, same)
		b.Release(same)
	})
}

func TestAttributesSurviveDeathAsDeclared(t *testing.T) {
	each(t, func(t *testing.T, b *wrapper.Binding, d strategies.Declaration) {
		o := b.Library().New("")
		defer b.Release(o)
		w, err := cpy3.Wrap(b, o)
		require.NoError(t, err)
		seven := python3.PyLong_FromLong(7)
		require.Zero(t, w.SetAttrString("tag", seven))
		seven.DecRef()
		w.DecRef() // its death

		w, err = cpy3.Wrap(b, o)
		require.NoError(t, err)
		defer w.DecRef()
		_, lost := d.Breaks["S1"]
		require.Equal(t, !lost, w.HasAttrString("tag"))
		if !lost {
			tag := w.GetAttrString("tag")
			require.Equal(t, 7, python3.PyLong_AsLong(tag))
			tag.DecRef()
		}
	})
}

func TestObjectsMadeByPythonReachGo(t *testing.T) {
	each(t, func(t *testing.T, b *wrapper.Binding, d strategies.Declaration) {
		module, err := cpy3.Module(b)
		require.NoError(t, err)
		defer module.DecRef()
		class, holder := module.GetAttrString("MyClass"), module.GetAttrString("MyClassRef")
		defer class.DecRef()
		defer holder.DecRef()

		text := python3.PyUnicode_FromString("made in Python")
		w := class.CallFunctionObjArgs(text)
		text.DecRef()
		require.NotNil(t, w)
		o, err := cpy3.Unwrap(b, w)
		require.NoError(t, err)
		ref := holder.CallFunctionObjArgs(w)
		require.NotNil(t, ref)
		w.DecRef()
		require.Equal(t, "made in Python", o.Message(), "our reference and the holder's keep it")
		b.Release(o)

		w = ref.CallMethodArgs("get")
		require.NotNil(t, w)
		again, err := cpy3.Unwrap(b, w)
		require.NoError(t, err)
		require.Same(t, o, again)
		b.Release(again)
		w.DecRef()
		ref.DecRef()
	})
}

func TestOwnershipIsWhatTheCommentsSay(t *testing.T) {
	each(t, func(t *testing.T, b *wrapper.Binding, d strategies.Declaration) {
		o := b.Library().New("")
		w, err := cpy3.Wrap(b, o)
		require.NoError(t, err)
		require.EqualValues(t, 2, o.Refs(), "ours and the wrapper's")
		p := cpy3.Pointer(w)
		count := cpython.RefCount(p)
		require.True(t, w == cpy3.FromPointer(p))
		require.Equal(t, count, cpython.RefCount(p), "conversion takes no reference")
		w.IncRef()
		require.Equal(t, count+1, cpython.RefCount(p))
		w.DecRef()
		same, err := cpy3.Unwrap(b, w)
		require.NoError(t, err)
		require.EqualValues(t, 3, o.Refs(), "Unwrap gives a native reference")
		if d.Name != "intrusive" { // whose native references are Python references
			require.Equal(t, count, cpython.RefCount(p), "and takes no Python one")
		}
		b.Release(same)
		w.DecRef()
		b.Release(o)
		require.Nil(t, cpy3.FromPointer(nil))
		require.Nil(t, cpy3.Pointer(nil))
	})
}

func TestForeignObjectsAreAnError(t *testing.T) {
	each(t, func(t *testing.T, b *wrapper.Binding, d strategies.Declaration) {
		list := python3.PyList_New(0)
		defer list.DecRef()
		o, err := cpy3.Unwrap(b, list)
		require.Nil(t, o)
		var python *cpython.Error
		require.ErrorAs(t, err, &python)
		require.Contains(t, python.Text, "TypeError")
	})
}
