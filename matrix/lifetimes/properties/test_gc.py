"""G: does the garbage collector understand?"""

import gc
import weakref

from lifetimes.harness import QUICK, Junk, prop, restoring_gc


@prop("G1", "native reference keeps a cycle")
def test_a_native_reference_keeps_a_cycle_intact(s):
    """A native reference keeps a cycle through __dict__ intact."""
    a = s.MyClass()
    a.me, a.x = a, 1
    r = s.MyClassRef(a)
    del a
    gc.collect()
    b = r.get()
    assert getattr(b, "x", None) == 1, "the cycle was collected though native code holds it"
    assert b.me is b
    r.release()


def of_two_in_a_cycle_one_is_held(s, cls):
    """a and b of cls refer to each other, native code holds a: both survive, and both are collected after."""
    alive = s.live_objects()
    a, b = cls(), cls()
    a.x, a.other = 1, b
    b.x, b.other = 2, a
    r = s.MyClassRef(a)
    del a, b
    gc.collect()
    c = r.get()
    assert getattr(c, "x", None) == 1, "the cycle was collected though native code holds one of its objects"
    d = getattr(c, "other", None)
    assert getattr(d, "x", None) == 2 and getattr(d, "other", None) is c, "the other object did not survive"
    del c, d
    r.release()
    s.settle()
    gc.collect()
    assert s.live_objects() == alive, "the cycle leaks"


@prop("G1[two]", "the same, of two objects")
def test_a_native_reference_to_one_of_two_keeps_their_cycle_intact(s):
    """A cycle of two objects through __dict__ stays intact while native code holds one of them, and is collected after."""
    of_two_in_a_cycle_one_is_held(s, s.MyClass)


@prop("G2", "released, it is collected")
def test_a_released_cycle_is_collected(s):
    """A cycle through __dict__ is collected once native code has released the object."""
    a = s.MyClass()
    a.me = a
    r, w = s.MyClassRef(a), weakref.ref(a)
    alive = s.live_objects()
    del a
    gc.collect()
    r.release()
    s.settle()
    gc.collect()
    assert w() is None
    assert s.live_objects() == alive - 1


@prop("G3", "both through __slots__")
def test_cycles_through_slots(s):
    """A native reference keeps a cycle through __slots__ intact, and it is collected once released."""

    class One(s.MyClass):
        __slots__ = ("me", "x")

    class Two(One):
        __slots__ = ("other",)

    a = Two()
    a.me, a.x = a, 1
    a.other = [a]
    r, w = s.MyClassRef(a), weakref.ref(a)
    alive = s.live_objects()
    del a
    gc.collect()
    b = r.get()
    assert getattr(b, "x", None) == 1, "the cycle was collected though native code holds it"
    assert b.me is b and b.other == [b]
    del b
    r.release()
    s.settle()
    gc.collect()
    assert w() is None
    assert s.live_objects() == alive - 1


@prop("G3[two]", "the same, of two objects")
def test_a_native_reference_to_one_of_two_keeps_their_cycle_through_slots_intact(s):
    """A cycle of two objects through __slots__ stays intact while native code holds one of them, and is collected after."""

    class Sub(s.MyClass):
        __slots__ = ("x", "other")

    of_two_in_a_cycle_one_is_held(s, Sub)


@prop("G4", "gc never clears a held dict")
def test_gc_never_clears_the_dict_of_a_held_object(s):
    """gc never clears the __dict__ or slots of an object that native code holds."""

    class Sub(s.MyClass):
        __slots__ = ("s",)

    a, junk = Sub(), Junk()
    a.payload, a.s = [1, 2], [3]
    r = s.MyClassRef(a)
    junk.me, junk.a = junk, a
    del a, junk
    gc.collect()
    b = r.get()
    assert getattr(b, "payload", None) == [1, 2], "the dict is lost"
    assert getattr(b, "s", None) == [3], "the slots are lost"


@prop("G4[payload]", "gc spares what a held object carries")
def test_gc_spares_what_a_held_object_carries(s):
    """gc neither runs __del__ of an attribute's value nor clears its weak references while native code holds the object, though only a garbage cycle refers to the wrapper."""
    deaths = []

    class Payload:
        def __del__(self):
            deaths.append(None)

    a, junk, payload = s.MyClass(), Junk(), Payload()
    a.payload = payload
    r, w = s.MyClassRef(a), weakref.ref(payload)
    junk.me, junk.a = junk, a
    del a, junk, payload
    gc.collect()
    assert not deaths, "gc ran __del__ of what a natively held object carries"
    assert w() is not None, "gc cleared the weak reference to what a natively held object carries"
    assert getattr(r.get(), "payload", None) is w()
    r.release()
    s.settle()
    gc.collect()
    assert len(deaths) == 1 and w() is None


@prop("G5", "gc never severs the pair")
def test_gc_never_severs_wrapper_from_native_object(s):
    """gc never severs a wrapper from the native object that holds it."""
    a, junk = s.MyClass(), Junk()
    number = a.id()
    r = s.MyClassRef(a)
    junk.me, junk.a, a.back = junk, a, junk
    del a, junk
    gc.collect()
    b = r.get()
    assert b.id() == number
    assert getattr(b, "back", None) is not None, "another object came back"
    assert b.back.a is b
    r.release()


@prop("G6", "cycle through one holder is collected")
def test_a_cycle_through_native_code_is_collected(s):
    """A cycle wrapper → attribute → holder → native object → wrapper is collected."""
    alive = s.live_objects()
    a = s.MyClass()
    a.r = s.MyClassRef(a)
    del a
    s.settle()
    gc.collect()
    assert s.live_objects() == alive, "the cycle leaks"

    class Sub(s.MyClass):
        __slots__ = ("r",)

    a = Sub()
    a.r = [s.MyClassRef(a)]
    del a
    s.settle()
    gc.collect()
    assert s.live_objects() == alive, "the cycle through a slot leaks"


@prop("G6[self]", "the same, referring to itself as well")
def test_a_cycle_through_native_code_that_also_refers_to_itself_is_collected(s):
    """The cycle of G6 is collected when the wrapper refers to itself as well, so that it never dies by counting."""
    alive = s.live_objects()
    a = s.MyClass()
    a.r, a.me = s.MyClassRef(a), a
    w = weakref.ref(a)
    del a
    s.settle()
    gc.collect()
    leaked = s.live_objects() != alive
    b = w()
    if leaked and b is not None:
        b.r.release()  # for the tests after this one
        b.me = None
    assert not leaked, "the cycle leaks"


@prop("G7", "natively shared, it survives")
def test_the_same_cycle_with_another_native_reference_survives(s):
    """The same cycle, with one more native reference from elsewhere, survives untouched."""
    a = s.MyClass()
    a.r, a.x = s.MyClassRef(a), 1
    elsewhere = s.MyClass()
    elsewhere.append(a)
    del a
    gc.collect()
    (b,) = elsewhere.children()
    assert getattr(b, "x", None) == 1, "the object did not survive"
    assert b.r.get() is b
    r2 = s.MyClassRef(b)
    del b, elsewhere
    gc.collect()
    assert getattr(r2.get(), "x", None) == 1, "the object did not survive its second death"
    r2.get().r.release()
    r2.release()


@prop("G13", "gc never clears the class")
def test_gc_never_guts_the_class_of_a_held_object(s):
    """gc never clears a class that only a natively held wrapper keeps alive."""

    def make(reassign):
        class Sub(s.MyClass):
            def hello(self):
                return "hello"

        a = s.MyClass() if reassign else Sub()
        if reassign:

            class Base(s.MyClass):
                pass

            a = Base()
            a.__class__ = Sub
        r = s.MyClassRef(a)
        junk = [a]
        junk.append(junk)
        return r

    for reassign in (False, True):
        r = make(reassign)
        gc.collect()
        b = r.get()
        assert type(b).__mro__, "the class is broken up"
        assert getattr(b, "hello", lambda: "lost")() == "hello", "the class is lost"
        del b
        r.release()


@prop("G10", "gc inside wrap, dealloc, __del__", child=True)
@restoring_gc
def test_gc_anywhere(s):
    """gc may run inside a wrap, inside a dealloc and inside __del__."""
    deaths = []

    class Sub(s.MyClass):
        __slots__ = ("x",)

        def __del__(self):
            gc.collect()
            deaths.append(self.id())
            s.MyClass().append(s.MyClass())
            gc.collect()

        def on_event(self, n):
            gc.collect()
            return n

    gc.set_threshold(1, 1, 1)
    times = 30 if QUICK else 200
    for n in range(times):
        a = Sub()
        a.x, a.me = [n], a if n % 2 else None
        number = a.id()
        r, w = s.MyClassRef(a), weakref.ref(a, lambda _: gc.collect())
        parent = s.MyClass()
        parent.append(a)
        del a
        r.emit(n)
        assert [c.id() for c in parent.children()] == [number]
        parent.remove(r.get())
        b = r.get()
        assert b.id() == number
        gc.collect()
        del b
        r.release()
        gc.collect()
        del r, w, parent
    s.settle()
    gc.collect()
    assert len(deaths) >= times


@prop("G11", "chains of 200,000", child=True)
def test_long_chains_are_freed_without_overflowing_the_stack(s):
    """Chains of 200,000 objects linked by dict, slots, holders or native edges are freed without overflowing the C stack."""
    LENGTH = 30_000 if QUICK else 200_000

    class Slotted(s.MyClass):
        __slots__ = ("next",)

    class Deleted(s.MyClass):
        def __del__(self):
            pass

    alive = s.live_objects()

    def by_attribute(cls):
        head = cls()
        for _ in range(LENGTH):
            new = cls()
            new.next = head
            head = new
        return head

    def by_holder(cls):
        head = cls()
        for _ in range(LENGTH):
            new = cls()
            new.next = s.MyClassRef(head)
            head = new
        return head

    def by_edge(cls):
        head = cls()
        for _ in range(LENGTH):
            new = cls()
            new.append(head)
            head = new
        return head

    for build in (by_attribute, by_holder, by_edge):
        for cls in (s.MyClass, Slotted, Deleted):
            head = build(cls)
            assert build is not by_attribute or s.live_objects() == alive + LENGTH + 1
            del head
            s.settle()
            gc.collect()
            assert s.live_objects() == alive, f"{build.__name__} of {cls.__name__} leaks"
            # The same, with native code releasing last.
            head = build(cls)
            r = s.MyClassRef(head)
            del head
            r.release()
            s.settle()
            gc.collect()
            assert s.live_objects() == alive, f"{build.__name__} of {cls.__name__} leaks, native end"


@prop("G12", "gc.freeze, get_objects, SAVEALL", child=True)
def test_gc_module_functions_with_zombies_around(s):
    """gc.freeze, get_objects, get_referrers and DEBUG_SAVEALL work with zombies around."""

    class Sub(s.MyClass):
        __slots__ = ("x",)

    holders = []
    for n in range(50):
        a = Sub()
        a.x, a.y, a.me = n, [n], a
        holders.append(s.MyClassRef(a))
        b = s.MyClass()
        b.y = [n]
        holders.append(s.MyClassRef(b))
        del a, b
    gc.freeze()
    for o in gc.get_objects():
        type(o)
    for h in holders:
        assert isinstance(h.get().id(), int)
        gc.get_referrers(h.get())
        gc.get_referents(h.get(), h)
    gc.unfreeze()
    gc.set_debug(gc.DEBUG_SAVEALL)
    cycle = s.MyClass()
    cycle.me = cycle
    del cycle
    gc.collect()
    gc.set_debug(0)
    assert any(isinstance(o, s.MyClass) for o in gc.garbage), "gc did not find the cycle"
    for o in gc.garbage:
        repr(o)
    del o
    gc.garbage.clear()
    for h in holders:
        h.get().id()
        h.release()
    del h
    holders.clear()


@prop("G8", "cycles of native edges")
def test_cycles_of_native_edges_are_collected(s):
    """Cycles through native edges survive while native code holds one of their objects, and are collected after."""

    class Sub(s.MyClass):
        __slots__ = ("s",)

    def to_itself(cls):
        a = cls()
        a.append(a)
        return a

    def in_both_directions(cls):
        a, b = cls(), cls()
        a.append(b)
        b.append(a)
        a.x, b.x = b, a
        return a

    def ring(cls):
        first = last = cls()
        for _ in range(10):
            new = cls()
            last.append(new)
            last.append(new)
            last = new
        last.x = first  # it closes in Python
        return first

    def through_a_holder(cls):
        a, b = cls(), cls()
        a.append(b)
        b.r = s.MyClassRef(a)
        return a

    for build in (to_itself, in_both_directions, ring, through_a_holder):
        for cls in (s.MyClass, Sub):
            alive = s.live_objects()
            a = build(cls)
            a.y = 1
            r, number, made = s.MyClassRef(a), a.id(), s.live_objects()
            del a
            s.settle()
            gc.collect()
            assert s.live_objects() == made, "collected though native code holds it"
            b = r.get()
            assert b.id() == number and getattr(b, "y", None) == 1, "the object did not survive"
            del b
            r.release()
            s.settle()
            gc.collect()
            assert s.live_objects() == alive, f"{build.__name__} leaks"


@prop("G9", "callback that captures its object")
def test_a_native_callback_that_captures_its_own_object(s):
    """A Python function that a native object holds, and that refers to the object, works while native code holds it, and both are collected after."""
    for how in ("wrapper", "wrapper and itself", "subclass"):
        alive = s.live_objects()
        cls = s.MyClass if how != "subclass" else type("Sub", (s.MyClass,), {"__slots__": ("s",)})
        a = cls()
        a.x, heard = 10, []
        if how == "wrapper and itself":
            a.me = a

        def callback(event, a=a):
            heard.append(a.x)
            return event + a.x

        w = weakref.ref(callback)
        a.set_callback(callback)
        r = s.MyClassRef(a)
        del a, callback
        for _ in range(2):
            s.settle()
            gc.collect()
            assert r.emit(1) == 11, "the callback is lost though native code holds the object"
        assert heard == [10, 10]
        r.release()
        s.settle()
        gc.collect()
        assert s.live_objects() == alive, "object and callback leak"
        assert w() is None
    # Replaced, taken away, or dropped with its object on a goroutine: the function goes.
    a = s.MyClass()
    for change in (lambda: a.set_callback(abs), lambda: a.set_callback(None), None):
        marker = Junk()
        w = weakref.ref(marker)
        a.set_callback(lambda n, marker=marker: n)
        del marker
        if change:
            change()
        else:
            r = s.MyClassRef(a)
            del a
            r.release_from_goroutine()
            s.settle()
        assert w() is None, "the callback outlives its object"


@prop("G9[two]", "callbacks that capture each other's objects")
def test_native_callbacks_that_capture_each_others_objects(s):
    """Python functions that two native objects hold, and that refer to each other's objects, work while native code holds one of the two, and all are collected after."""
    alive = s.live_objects()
    a, b = s.MyClass(), s.MyClass()
    a.x, b.x = 10, 20
    a.set_callback(lambda event, b=b: event + getattr(b, "x", 0) + s.MyClassRef(b).emit(0))
    b.set_callback(lambda event, a=a: event + getattr(a, "x", 0))
    r = s.MyClassRef(a)
    del a, b
    for _ in range(2):
        s.settle()
        gc.collect()
        assert r.emit(1) == 31, "a callback or an object is lost though native code holds one of the two"
    r.release()
    s.settle()
    gc.collect()
    assert s.live_objects() == alive, "objects and callbacks leak"


@prop("G9[list]", "callback that captures a list of its object")
def test_a_native_callback_that_captures_a_list_with_its_object(s):
    """A Python function that a native object holds, and that refers to a list with the object in it, works while native code holds the object, and all are collected after."""
    alive = s.live_objects()
    a, heard = s.MyClass(), []
    heard.append(a)
    a.set_callback(lambda event, heard=heard: heard.append(event) or len(heard))
    r = s.MyClassRef(a)
    del a, heard
    for n in (2, 3):
        s.settle()
        gc.collect()
        assert r.emit(1) == n, "the list is lost though native code holds the object"
    r.release()
    s.settle()
    gc.collect()
    assert s.live_objects() == alive, "object, callback and list leak"


def within_reach(start):
    """What gc.get_referents finds in three steps, classes and what is behind them left out."""
    found, step = [], [start]
    for _ in range(3):
        step = [x for x in gc.get_referents(*step) if not isinstance(x, type)]
        found += step
    return found


@prop("G14", "get_referents of a holder")
def test_get_referents_leads_from_a_holder_to_what_it_keeps_alive(s):
    """gc.get_referents leads from an object's only holder to what that keeps alive of the wrapper, and to nothing of it after release."""
    a, marker = s.MyClass(), Junk()
    a.marker = marker
    r, w = s.MyClassRef(a), weakref.ref(marker)
    del a, marker
    kept = w()  # None: it keeps nothing
    assert kept is None or any(x is kept for x in within_reach(r)), "gc does not see what the holder keeps alive"
    r.release()
    s.settle()
    assert not any(isinstance(x, (s.MyClass, Junk)) for x in within_reach(r)), "gc sees what was released"


@prop("G14[callback]", "get_referents of a wrapper with a callback")
def test_get_referents_of_a_wrapper_shows_the_native_objects_callback(s):
    """gc.get_referents of a wrapper that alone keeps its native object shows the Python function that this holds."""
    a = s.MyClass()

    def callback(event):
        return event

    a.set_callback(callback)
    assert callback in gc.get_referents(a), "gc does not see the callback"
    a.set_callback(None)
    assert callback not in gc.get_referents(a)
