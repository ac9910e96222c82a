package strategytest

import (
	"runtime"

	"pyobject-preservation/native"
)

// oracle tells the same PyObject from another. An attribute is not enough,
// because some strategies keep the dict; nor a weak reference, because some
// lose it; nor an address, because memory is reused. So take_addresses first
// fills the freed slot, and then addresses are compared.
const oracle = `
import gc, weakref
def mark(a):
    global tag, ref, address
    tag, ref, address = object(), weakref.ref(a), id(a)
    a.tag = tag
def take_addresses():
    global takers
    takers = [m.MyClass() for _ in range(20)]
def same(a):
    takers.clear()
    return getattr(a, 'tag', None) is tag and (ref() is a or id(a) == address)
`

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
	t.True(t.truth("a.id() == b.id()"), "both must have one native object")
	t.exec("del a, b")
	t.release(o)
}

// reborn lets the wrapper a die, which was marked and is o's only one, wraps o
// again as a, and reports whether that is the same PyObject.
func (t *trial) reborn(o *native.Object) bool {
	t.exec("address = id(a); del a; take_addresses()")
	t.wrap("a", o)
	return t.truth("same(a)")
}

func wrapAfterDeath(t *trial) {
	t.exec("a = m.MyClass('kept'); mark(a); number = a.id()")
	o := t.unwrap("a")
	t.Equal(t.declared.Identity, t.reborn(o), "the same PyObject came back, against declared Identity")
	t.Equal(t.declared.Weakref, t.truth("ref() is a"), "a weak reference stayed valid, against declared Weakref")
	t.True(t.truth("a.id() == number and a.message() == 'kept'"), "the native object must be the same")
	t.exec("del a")
	t.release(o)
	t.True(t.truth("ref() is None"), "a weak reference must not outlive both halves")
}

func aThousandDeaths(t *trial) {
	t.exec("a = m.MyClass('kept'); mark(a)")
	o := t.unwrap("a")
	same := true
	for range 1000 { // each against the one before: it may get the address of an earlier one
		same = t.reborn(o) && same
	}
	t.agrees("I3", same)
	if same {
		t.Equal(t.declared.Weakref, t.truth("ref() is a"), "a weak reference stayed valid, against declared Weakref")
	}
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
	t.exec("mark(a)")
	t.agrees("I7", t.reborn(o))
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
			"Python has it now: it must be whole although native code released %s", how)
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
