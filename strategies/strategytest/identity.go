package strategytest

import "runtime"

// Identity is established by an attribute that only one object ever had and by
// weak references. An address proves nothing: a new wrapper may get the old one's.

var identityPromises = []promise{
	{"WrapsWhileAliveAreOneObjectIfDeclared", wrapsWhileAlive},
	{"WrapAfterDeathGivesBackWhatIsDeclared", wrapAfterDeath},
	{"AThousandDeathsInARowAreLikeTheFirst", aThousandDeaths},
	{"NativeBornObjectsGetTheirWrapperLater", nativeBorn},
	{"WeaklyRevivedWrapperOutlivesNativeCode", weaklyRevived},
	{"DistinctObjectsNeverShareAWrapper", distinctObjects},
	{"GoGarbageCollectionTakesNothingAway", goGC},
}

func wrapsWhileAlive(t *trial) {
	o := t.lib.New("")
	t.wrap("a", o)
	t.wrap("b", o)
	t.exec("a.tag = object()")
	same := t.truth("a is b")
	t.agrees("I1", same)
	t.Equal(same, t.truth("getattr(b, 'tag', None) is a.tag"))
	t.True(t.truth("a.id() == b.id()"), "both must stand for one native object")
	t.exec("del a, b")
	t.release(o)
}

// expectDeclared compares the wrapper a with what was remembered of the one
// before it.
func (t *trial) expectDeclared(when string) {
	t.Equal(t.declared.Identity, t.truth("getattr(a, 'tag', None) is tag"),
		"%s: the same PyObject came back, against declared Identity", when)
	t.Equal(t.declared.Weakref, t.truth("ref() is a"),
		"%s: a weak reference stayed valid, against declared Weakref", when)
}

func wrapAfterDeath(t *trial) {
	t.exec("a = m.MyClass('kept'); tag = a.tag = object(); ref = weakref.ref(a); number = a.id()")
	o := t.unwrap("a")
	t.exec("del a; gc.collect()")
	t.wrap("a", o)
	t.expectDeclared("after one death")
	t.True(t.truth("a.id() == number and a.message() == 'kept'"), "the native object must be the same")
	t.exec("del a")
	t.release(o)
	t.True(t.truth("ref() is None"), "a weak reference must not outlive both halves")
}

func aThousandDeaths(t *trial) {
	t.exec("a = m.MyClass('kept'); tag = a.tag = object(); ref = weakref.ref(a)")
	o := t.unwrap("a")
	for range 1000 {
		t.exec("del a")
		t.wrap("a", o)
	}
	t.expectDeclared("after 1000 deaths")
	t.True(t.truth("a.message() == 'kept'"))
	t.Equal("kept", o.Message())
	t.exec("del a")
	t.release(o)
}

func nativeBorn(t *trial) {
	o := t.lib.New("born in Go")
	t.EqualValues(1, o.Refs(), "no wrapper yet")
	t.wrap("a", o)
	t.True(t.truth("type(a) is m.MyClass and a.message() == 'born in Go'"))
	t.exec("tag = a.tag = object(); ref = weakref.ref(a); del a")
	t.wrap("a", o)
	t.expectDeclared("native-born, after one death")
	t.exec("del a")
	t.release(o)
}

func weaklyRevived(t *trial) {
	if !t.declared.Weakref {
		return // there is nothing to revive
	}
	for how, release := range t.waysToRelease() {
		t.exec("a = m.MyClass('still here'); a.tag = 7; ref = weakref.ref(a)")
		o := t.unwrap("a")
		t.exec("del a; a = ref()")
		t.True(t.truth("a is not None"), "native code holds it: the weak reference is valid")
		release(o)
		t.True(t.truth("a.message() == 'still here' and a.tag == 7 and ref() is a"),
			"Python has it now: it must be whole though native code let go %s", how)
		t.exec("del a")
		t.True(t.truth("ref() is None"), "the last Python reference is the end of it")
	}
}

func distinctObjects(t *trial) {
	t.exec("seen = {}")
	for range 200 {
		o := t.lib.New("")
		t.wrap("a", o)
		t.True(t.truth("not hasattr(a, 'tag') and a.id() not in seen"),
			"a new native object must not get the wrapper of an earlier one")
		t.exec("a.tag = 1; seen[a.id()] = 1; del a")
		t.release(o)
	}
}

func goGC(t *trial) {
	t.exec("kept = [m.MyClass(str(i)) for i in range(500)]")
	runtime.GC()
	runtime.GC()
	t.True(t.truth("[a.message() for a in kept] == [str(i) for i in range(500)]"),
		"a native object that only its wrapper holds must survive Go's collector")
	t.exec("kept.clear()")
}
