package strategytest

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/internal/wrapper"
	"pyobject-preservation/native"
	"pyobject-preservation/strategies"
)

// agreesWithModel runs random sequences of Go operations on objects and wrappers,
// and compares with a model of the references between them. rapid shrinks a sequence
// that fails, keeps it in testdata, and runs it first next time.
func agreesWithModel(t *testing.T, s strategies.Strategy) {
	tr := &trial{declared: s.Declaration().On(cpython.BuiltFor())}
	tr.b = wrapper.Attach(s)
	tr.lib = tr.b.Library()
	cpython.WithGIL(func() {
		tr.Assertions = require.New(t)
		tr.space = cpython.NewNamespace()
		tr.bind("m", tr.b)
	})
	defer cpython.WithGIL(tr.space.Close)
	tr.exec("import gc")
	rapid.Check(t, func(rt *rapid.T) {
		tr.Assertions = require.New(rt)
		w := &world{trial: tr, before: tr.b.Live()}
		defer w.clear() // also after a failure: the next sequence starts from nothing
		rt.Repeat(map[string]func(*rapid.T){
			"":                 func(*rapid.T) { w.check() },
			"New":              w.add,
			"Retain":           w.retain,
			"Release":          func(rt *rapid.T) { w.release(rt, tr.release) },
			"ReleaseElsewhere": func(rt *rapid.T) { w.release(rt, (*native.Object).Release) },
			"ReleaseGoroutine": func(rt *rapid.T) { w.release(rt, tr.releaseOnGoroutine) },
			"Wrap":             w.wrapOne,
			"Drop":             w.drop,
			"Unwrap":           w.unwrapOne,
			"Append":           w.appendOne,
			"Remove":           w.removeOne,
			"CollectPython":    func(*rapid.T) { tr.exec("gc.collect()") },
			"CollectGo":        func(*rapid.T) { runtime.GC() },
		})
		w.clear()
		w.check()
	})
}

const variables = 4 // Python names v0 and so on

// world is the model: objects, and the references between them.
type world struct {
	*trial
	before  int64
	objects []*modelled // in the order they were made
	names   [variables]*modelled
}

type modelled struct {
	o      *native.Object
	id     uint64
	refs   int // held by Go code
	edges  []*modelled
	tagged bool // the wrapper has had an attribute
}

// alive are the objects with a reference.
func (w *world) alive() map[*modelled]bool {
	alive := map[*modelled]bool{}
	var visit func(*modelled)
	visit = func(m *modelled) {
		if alive[m] {
			return
		}
		alive[m] = true
		for _, child := range m.edges {
			visit(child)
		}
	}
	for _, m := range w.objects {
		if m.refs > 0 || slices.Contains(w.names[:], m) {
			visit(m)
		}
	}
	return alive
}

func (w *world) check() {
	cpython.WithGIL(w.b.Drain)
	alive := w.alive()
	w.objects = slices.DeleteFunc(w.objects, func(m *modelled) bool { return !alive[m] })
	w.EqualValues(len(alive), w.b.Live()-w.before, "native objects alive")
}

// pick is some object that Go code holds; without one it skips the step.
func (w *world) pick(rt *rapid.T, label string) *modelled {
	var held []*modelled
	for _, m := range w.objects {
		if m.refs > 0 {
			held = append(held, m)
		}
	}
	if len(held) == 0 {
		rt.Skip("Go code holds nothing")
	}
	return held[rapid.IntRange(0, len(held)-1).Draw(rt, label)]
}

func (w *world) name(rt *rapid.T) (int, string) {
	i := rapid.IntRange(0, variables-1).Draw(rt, "variable")
	return i, fmt.Sprintf("v%d", i)
}

func (w *world) add(rt *rapid.T) {
	m := &modelled{o: w.lib.New(rapid.SampledFrom([]string{"", "text"}).Draw(rt, "message")), refs: 1}
	m.id = m.o.ID()
	w.objects = append(w.objects, m)
}

func (w *world) retain(rt *rapid.T) {
	m := w.pick(rt, "object")
	m.o.Retain()
	m.refs++
}

func (w *world) release(rt *rapid.T, how func(*native.Object)) {
	m := w.pick(rt, "object")
	m.refs--
	how(m.o)
}

func (w *world) wrapOne(rt *rapid.T) {
	m := w.pick(rt, "object")
	i, name := w.name(rt)
	w.wrap(name, m.o)
	w.names[i] = m
	w.True(w.truth(fmt.Sprintf("%s.id() == %d", name, m.id)), "the wrapper of another object")
	_, once := w.declared.Breaks["I3"]
	if m.tagged && w.declared.Identity && !once {
		w.True(w.truth(fmt.Sprintf("%s.tag == %d", name, m.id)), "another wrapper than before")
	}
	w.exec(fmt.Sprintf("%s.tag = %d", name, m.id))
	m.tagged = true
	for j, other := range w.names {
		if other == m && !w.breaks("I1") {
			w.True(w.truth(fmt.Sprintf("v%d is %s", j, name)), "two wrappers at a time")
		}
	}
}

func (w *world) drop(rt *rapid.T) {
	i, name := w.name(rt)
	w.exec(name + " = None")
	w.names[i] = nil
}

func (w *world) unwrapOne(rt *rapid.T) {
	i, name := w.name(rt)
	if w.names[i] == nil {
		rt.Skip("the variable is empty")
	}
	o := w.unwrap(name)
	w.Same(w.names[i].o, o)
	w.names[i].refs++
}

func (w *world) appendOne(rt *rapid.T) {
	parent, child := w.pick(rt, "parent"), w.pick(rt, "child")
	if parent.id >= child.id {
		rt.Skip("edges go from older to newer: a cycle would live for ever")
	}
	parent.o.Append(child.o)
	parent.edges = append(parent.edges, child)
}

func (w *world) removeOne(rt *rapid.T) {
	parent, child := w.pick(rt, "parent"), w.pick(rt, "child")
	i := slices.Index(parent.edges, child)
	w.Equal(i >= 0, parent.o.Remove(child.o))
	if i >= 0 {
		parent.edges = slices.Delete(parent.edges, i, i+1)
	}
}

// clear releases everything.
func (w *world) clear() {
	for i := range w.names {
		w.exec(fmt.Sprintf("v%d = None", i))
		w.names[i] = nil
	}
	for _, m := range w.objects {
		for ; m.refs > 0; m.refs-- {
			w.trial.release(m.o)
		}
	}
	w.exec("gc.collect()")
}
