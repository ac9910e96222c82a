package strategytest

import (
	"fmt"
	"sync"

	"pyobject-preservation/internal/cpython"
	"pyobject-preservation/native"
)

var nativePromises = []promise{
	{"UnwrapGivesTheNativeObjectAndAReference", unwrapGivesAReference},
	{"UnwrapRefusesForeignObjectsAndLeaksNothing", unwrapRefusesForeign},
	{"EdgesKeepChildren", edgesKeepChildren},
	{"ChainsOfEdgesDieWithoutRecursion", chainsDie},
}

var releasePromises = []promise{
	{"ReleaseFreesEverything", releaseFreesEverything},
	{"ReleaseWhileAWrapperLivesFreesNothing", releaseWhileWrapped},
	{"CountersAreTheWrappersAlive", countersAreTheWrappersAlive},
	{"OverReleasePanics", overReleasePanics},
	{"ReferencesOfBothSidesAddUp", referencesAddUp},
}

// referencesAddUp mixes references that attached threads take and release with those of Go code, and
// has the wrapper die while there are some of both.
func referencesAddUp(t *trial) {
	t.exec("a = m.MyClass('x')")
	o := t.unwrap("a")
	t.exec("refs = [m.MyClassRef(a) for _ in range(3)]")
	n := o.Refs()
	var all sync.WaitGroup
	for range 2 {
		o.Retain()
		all.Go(func() {
			defer o.Release()
			for range 1000 {
				o.Retain()
				o.Release()
			}
		})
	}
	t.exec("for _ in range(1000): refs.append(m.MyClassRef(a)); refs.pop()")
	all.Wait()
	t.drain()
	t.Equal(n, o.Refs(), "all have given back what they took")
	t.exec("refs.pop()")
	t.Equal(n-1, o.Refs())
	again := t.unwrap("a")
	t.exec("refs.append(m.MyClassRef(a))")
	t.releaseOnGoroutine(again) // what a thread releases in its place is one like it
	t.drain()
	t.Equal(n, o.Refs())
	t.exec("del a")
	t.exec("refs[0].release_from_goroutine(); refs.clear()")
	t.drain()
	t.Equal("x", o.Message(), "our reference keeps the native object alive")
	t.release(o)
	t.exec("m.settle()")
}

func unwrapGivesAReference(t *trial) {
	t.exec("class Sub(m.MyClass): pass")
	for _, class := range []string{"m.MyClass", "Sub"} {
		t.exec("a = " + class + "('x')")
		o := t.unwrap("a")
		before := o.Refs()
		again := t.unwrap("a")
		t.Same(o, again, "Unwrap gives the same native object")
		t.Equal(before+1, o.Refs(), "the caller of Unwrap owns a reference")
		t.Equal("x", again.Message())
		t.release(again)
		t.Equal(before, o.Refs())
		t.exec("del a")
		t.Equal("x", o.Message(), "our reference keeps the native object alive")
		t.release(o)
	}
	o := t.lib.New("born in Go")
	t.wrap("a", o)
	same := t.unwrap("a")
	t.Same(o, same)
	t.release(same)
	t.exec("del a")
	t.release(o)
}

func unwrapRefusesForeign(t *trial) {
	t.exec("alien = foreign.MyClass(); things = [1, None, object(), m, m.MyClass, alien]")
	for i := range 6 {
		t.exec(fmt.Sprintf("thing = things[%d]", i))
		cpython.WithGIL(func() {
			thing := t.space.Get("thing")
			before := cpython.RefCount(thing)
			o, err := t.b.Unwrap(thing)
			t.Nil(o)
			var python *cpython.Error
			t.ErrorAs(err, &python, "thing %d is not a wrapper of this strategy", i)
			t.Contains(python.Text, "TypeError")
			t.NoError(cpython.TakeError(), "the exception must have been taken")
			if i >= 2 { // small ints and None are shared
				t.Equal(before, cpython.RefCount(thing), "a refused object must not be kept")
			}
		})
	}
	t.exec("del thing, things, alien")
}

func edgesKeepChildren(t *trial) {
	parent, child := t.lib.New("parent"), t.lib.New("child")
	parent.Append(child)
	parent.Append(child)
	t.wrap("a", child)
	t.exec("mark(a); del a; take_addresses()")
	t.release(child) // two edges are left
	t.wrap("p", parent)
	t.exec("children = p.children(); a = children[0]")
	t.Equal(t.declared.Identity, t.truth("same(a)"), "held by edges alone: the same PyObject came back, against declared Identity")
	t.True(t.truth("[c.message() for c in children] == ['child'] * 2"))
	t.exec("p.remove(a); del a, children")
	children := parent.Children()
	t.Len(children, 1)
	t.Equal("child", children[0].Message())
	t.release(children[0])
	t.exec("del p")
	t.release(parent)
	t.True(t.truth("ref() is None"), "the child's wrapper goes with its last edge")
}

func chainsDie(t *trial) {
	const length = 100_000
	for _, release := range t.waysToRelease() {
		objects, wrappers := left(t.b)
		// Every object of the chain has had a wrapper, which is dead by now, or
		// kept by the object: what the strategy does at death happens a hundred
		// thousand times in one release.
		t.exec(fmt.Sprintf(`
head = at = m.MyClass()
for i in range(%d):
    next = m.MyClass()
    next.tag = i
    at.append(next)
    at = next
del at, next
`, length))
		head := t.unwrap("head")
		t.exec("del head")
		t.EqualValues(objects+length+1, t.b.Live())
		release(head)
		nowObjects, nowWrappers := left(t.b)
		t.Equal(objects, nowObjects, "native objects of the chain are left")
		t.Equal(wrappers, nowWrappers, "wrappers of the chain are left")
	}
}

func releaseFreesEverything(t *trial) {
	for how, release := range t.waysToRelease() {
		for _, wrapperFirst := range []bool{true, false} {
			objects, wrappers := left(t.b)
			o := t.lib.New("")
			t.wrap("a", o)
			t.exec("a.tag = object(); ref = weakref.ref(a)")
			if wrapperFirst {
				t.exec("del a")
				release(o)
			} else {
				release(o)
				t.True(t.truth("a.id() > 0 and ref() is a"), "a live wrapper keeps its native object")
				t.exec("del a")
			}
			nowObjects, nowWrappers := left(t.b)
			t.Equal(objects, nowObjects, "native object not freed; released %s", how)
			t.Equal(wrappers, nowWrappers, "wrapper not freed; released %s", how)
			t.True(t.truth("ref() is None"), "weak reference not cleared; released %s", how)
		}
	}
}

func releaseWhileWrapped(t *trial) {
	for how, release := range t.waysToRelease() {
		o := t.lib.New("x")
		t.wrap("a", o)
		for range 100 {
			o.Retain()
			release(o)
		}
		t.True(t.truth("a.message() == 'x'"), "released %s", how)
		t.exec("del a")
		t.EqualValues("x", o.Message())
		release(o)
	}
}

func countersAreTheWrappersAlive(t *trial) {
	_, before := left(t.b)
	t.exec("kept = [m.MyClass() for _ in range(10)]")
	natives := make([]*native.Object, 10)
	for i := range natives {
		natives[i] = t.lib.New("")
		t.wrap("a", natives[i])
		t.exec("kept.append(a)")
	}
	t.exec("del a")
	_, now := left(t.b)
	t.EqualValues(before+20, now, "created - freed, with 20 wrappers that Python holds")
	for _, o := range natives {
		t.release(o)
	}
	t.exec("del kept[:7]")
	_, now = left(t.b)
	t.EqualValues(before+13, now, "created - freed, with 13 wrappers that Python holds")
	t.exec("kept.clear()")
}

func overReleasePanics(t *trial) {
	o := t.lib.New("")
	t.wrap("a", o)
	t.exec("del a")
	t.release(o)
	gone := fmt.Sprintf("native: object %d was released after its last reference was released", o.ID())
	t.PanicsWithValue(gone, o.Release)
	t.Panics(func() { t.release(o) }, "with the GIL as well")
	t.Panics(func() { t.wrap("a", o) }, "nor can it be wrapped")
}
