"""W: do weak references tell the truth?"""

import gc
import weakref

from lifetimes.harness import Junk, prop


@prop("W1", "valid while held natively")
def test_weakrefs_stay_valid_while_native_code_holds_the_object(s):
    """A weak reference stays valid while native code holds the object."""
    a = s.MyClass()
    r, w = s.MyClassRef(a), weakref.ref(a)
    del a
    assert w() is not None, "the weak reference died with the wrapper"
    assert w() is r.get()


@prop("W1[proxy]", "a proxy, too")
def test_a_proxy_works_while_native_code_holds_the_object(s):
    """A weakref.proxy works like the wrapper while native code holds the object, and raises ReferenceError after the real death."""
    a = s.MyClass()
    a.x, number = 1, a.id()
    r, p = s.MyClassRef(a), weakref.proxy(a)

    def use():
        try:
            return p.id(), p.x
        except ReferenceError as e:
            e.__traceback__ = None

    del a
    assert use() == (number, 1), "the proxy died with the wrapper"
    p.x = 2
    assert getattr(r.get(), "x", None) == 2, "the proxy is of another object"
    r.release()
    s.settle()
    assert use() is None, "the proxy outlives the object"


@prop("W2", "callback once, at the real death")
def test_the_callback_fires_once_at_the_real_death(s):
    """A weak reference's callback fires exactly once, at the real death."""
    calls = []
    a = s.MyClass()
    r, w = s.MyClassRef(a), weakref.ref(a, calls.append)
    del a
    assert not calls, "the callback fired though native code holds the object"
    for _ in range(3):
        r.get()
    assert not calls, "the callback fired before the real death"
    r.release()
    s.settle()
    assert calls == [w]
    s.settle()
    gc.collect()
    assert calls == [w]


@prop("W3", "upgraded zombie outlives native code", child=True)
def test_a_zombie_brought_back_by_a_weakref_outlives_native_code(s):
    """A zombie that a weak reference resurrected is fully usable after native code releases the object."""
    for slots in ((), ("z",)):
        Sub = type("Sub", (s.MyClass,), {"__slots__": slots})
        a = Sub()
        a.x, number = [1], a.id()
        r, w = s.MyClassRef(a), weakref.ref(a)
        del a
        b = w()
        assert b is not None, "the weak reference died with the wrapper"
        r.release()
        s.settle()
        gc.collect()
        assert (b.id(), b.x, type(b), b.children()) == (number, [1], Sub, [])
        assert w() is b
        again = s.MyClassRef(b)
        assert again.get() is b
        del b
        assert getattr(again.get(), "x", None) == [1], "it is not preserved a second time"
        assert w() is again.get()
        again.release()
        s.settle()
        assert w() is None


@prop("W4", "survives a garbage cycle around it")
def test_weakrefs_survive_a_garbage_cycle_that_refers_to_the_wrapper(s):
    """A wrapper that native code holds and only a garbage cycle refers to keeps its weak references."""
    a, junk = s.MyClass(), Junk()
    r, w = s.MyClassRef(a), weakref.ref(a)
    junk.me, junk.a = junk, a
    del a, junk
    gc.collect()
    assert w() is not None, "gc cleared the weak reference of an object that native code holds"
    assert w() is r.get()


@prop("W5", "weak containers, finalize")
def test_weak_containers_and_finalize(s):
    """WeakKeyDictionary, WeakValueDictionary, WeakSet and weakref.finalize lose the object at its real death only."""
    done = []
    a = s.MyClass()
    r = s.MyClassRef(a)
    keys, values, members = weakref.WeakKeyDictionary(), weakref.WeakValueDictionary(), weakref.WeakSet()
    keys[a], values["a"] = 1, a
    members.add(a)
    weakref.finalize(a, done.append, "done")
    del a
    assert (len(keys), len(values), len(members), done) == (1, 1, 1, []), "lost while native code holds the object"
    b = r.get()
    assert keys[b] == 1 and values["a"] is b and b in members
    del b
    r.release()
    s.settle()
    assert (len(keys), len(values), len(members), done) == (0, 0, 0, ["done"])


@prop("W6", "made in __del__, dead after")
def test_a_weakref_made_in_del_is_dead_afterwards(s):
    """A weak reference made inside __del__ is dead after the real death."""
    made = []

    class Sub(s.MyClass):
        def __del__(self):
            made.append(weakref.ref(self))

    a = Sub()
    r = s.MyClassRef(a)
    del a
    r.release()
    s.settle()
    gc.collect()
    assert len(made) >= 1
    assert all(w() is None for w in made)


@prop("W7", "callback that re-wraps", child=True)
def test_a_callback_that_wraps_again_never_gets_the_dying_object(s):
    """A weak reference's callback that wraps the native object again never gets the dying wrapper."""
    for hold_natively in (True, False):
        got, fired = [], []
        a = s.MyClass()
        number = a.id()
        parent = s.MyClass()
        parent.append(a)
        r = s.MyClassRef(a)

        def callback(_):
            fired.append(True)
            try:
                got.append(r.get())
            except ReferenceError:
                pass
            got.extend(parent.children())

        w = weakref.ref(a, callback)
        del a
        if not hold_natively:
            parent.remove(parent.children()[0])
        r.release()
        s.settle()
        gc.collect()
        for b in got:
            assert b.id() == number
            assert w() is not b, "the callback got the dying object"
            assert weakref.ref(b)() is b
            b.x = 1
        b = None
        got.clear()
        for child in parent.children():
            parent.remove(child)
        child = None
        s.settle()
        gc.collect()
        assert len(fired) == 1, "the callback ran so often"


@prop("W8", "callback before native death")
def test_callbacks_fire_before_the_native_object_is_destroyed(s):
    """Weak reference callbacks fire before the native object is destroyed."""
    for last_is_native in (False, True):
        seen = []
        a = s.MyClass()
        r = s.MyClassRef(a)
        alive = s.live_objects()
        w = weakref.ref(a, lambda _: seen.append(s.live_objects()))
        if last_is_native:
            del a
            r.release()
        else:
            r.release()
            del a
        s.settle()
        assert seen == [alive], "the native object was gone when the callback ran"
        assert s.live_objects() == alive - 1
        assert w() is None
