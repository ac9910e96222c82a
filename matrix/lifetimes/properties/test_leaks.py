"""L: is anything lost?"""

import gc
import sys
import weakref

from lifetimes.harness import QUICK, Junk, prop, resident


def made(s):
    """Wrappers alive, as the subject counts them."""
    stats = s.counters()
    return stats and stats["wrappers_created"] - stats["wrappers_freed"]


@prop("L1", "1,000,000 flips are flat", child=True)
def test_a_million_flips_are_flat(s):
    """1,000,000 deaths and wraps leave memory and counters where they were."""

    class Sub(s.MyClass):
        pass

    holders = []
    for cls in (s.MyClass, Sub):
        a = cls()
        a.x = [1]
        holders.append(s.MyClassRef(a))
    del a

    def rounds(n):
        for h in holders:
            get = h.get
            for _ in range(n):
                get()
        # The same with another holder each time, so that a strategy which keeps a dead wrapper
        # takes it over, and releases it, each time.
        for cls in (s.MyClass, Sub):
            a = cls()
            for _ in range(n // 10):
                h = s.MyClassRef(a)
                del a
                a = h.get()
                h.release()
        del a, h
        s.settle()
        gc.collect()

    rounds(20_000)
    before, alive, wrappers = resident(), s.live_objects(), made(s)
    rounds(50_000 if QUICK else 500_000)
    grown = resident() - before
    assert grown < 4 << 20, f"grew by {grown} bytes"
    assert s.live_objects() == alive
    assert made(s) == wrappers


@prop("L2", "all is given back")
def test_native_objects_and_wrappers_balance_to_zero(s):
    """Native objects and wrappers balance to zero, here and after every other test of the matrix."""
    s.settle()
    gc.collect()
    alive, before = s.live_objects(), s.counters()
    objects = [s.MyClass() for _ in range(100)]
    holders = [s.MyClassRef(a) for a in objects]
    for a, b in zip(objects, objects[1:]):
        a.append(b)
        a.x = b
    holders += [s.new_native() for _ in range(100)]
    del objects, a, b
    gc.collect()
    for h in holders:
        h.get().y = [1]
    del h
    gc.collect()
    for h in holders[::2]:
        h.release_from_goroutine()
    del h
    holders.clear()
    s.settle()
    gc.collect()
    assert s.live_objects() == alive
    after = s.counters()
    if after is not None:
        made = after["wrappers_created"] - before["wrappers_created"]
        assert made and made == after["wrappers_freed"] - before["wrappers_freed"]


@prop(
    "L3",
    "total references are flat",
    child=True,
    absent="" if hasattr(sys, "gettotalrefcount") else "needs a debug build of CPython",
)
def test_the_total_of_all_reference_counts_is_flat(s):
    """On a debug build of CPython the total of all reference counts is flat over every way in which an object can live and die."""

    class Sub(s.MyClass):
        __slots__ = ("s",)

        def __del__(self):
            self.id()

    def life(cls):
        a = cls("text")
        a.x, a.me = [1], a
        w = weakref.ref(a, lambda _: None)
        r, parent = s.MyClassRef(a), s.MyClass()
        parent.append(a)
        a.set_callback(lambda n: n)
        del a
        gc.collect()
        b = r.get()
        b.set_callback(None)
        b.me = None
        w()
        r.emit(3)
        parent.children()
        parent.remove(b)
        del b
        r.release_from_goroutine()
        for wrong in (lambda: s.MyClassRef(1), r.get, lambda: cls(1), lambda: parent.append(None)):
            try:
                wrong()
            except (TypeError, ReferenceError) as e:
                e.__traceback__ = None
        s.new_native().get().y = 1
        del parent, w, r
        s.settle()
        gc.collect()

    def total(n):
        for _ in range(n):
            for cls in (s.MyClass, Sub):
                life(cls)
        s.settle()
        gc.collect()
        return sys.gettotalrefcount()

    total(40)
    grown = []
    for _ in range(5):
        before = total(5)
        grown.append(total(20) - before)
    assert min(grown) <= 2, f"references grew by {grown} in 40 lives each"


@prop("L4", "dict, weakrefs and slots are freed")
def test_what_a_wrapper_carries_is_freed(s):
    """The dict, the weak references' list, the slots and their values are freed with the object, materialised or not."""

    class Sub(s.MyClass):
        __slots__ = ("s",)

    for cls in (s.MyClass, Sub):
        for materialise in (False, True):
            values = [Junk() for _ in range(40)]
            freed = [weakref.ref(v) for v in values]
            a = cls()
            for i, v in enumerate(values[:39]):
                setattr(a, f"x{i}", v)
            if cls is Sub:
                a.s = values[39]
            if materialise:
                a.__dict__["y"] = dict(a.__dict__)
            weak = [weakref.ref(a, lambda _: None) for _ in range(5)] + [weakref.proxy(a)]
            r = s.MyClassRef(a)
            del a, v, values
            for _ in range(3):
                r.get().z = 1
            r.release()
            s.settle()
            gc.collect()
            assert not [w for w in freed if w() is not None], "values outlive the object"
            assert not any(w() for w in weak[:5])


@prop("L5", "reference counts are exact")
def test_reference_counts_are_exact(s):
    """A stored callback costs one reference; get, emit, append, children, remove and a MyClassRef, whether they fail or not, leave the reference counts of wrappers, callback and the callback's data as they were."""
    a, parent, data = s.MyClass(), s.MyClass(), Junk()
    r = s.MyClassRef(a)

    def callback(event, data=data):
        if event < 0:
            raise LookupError
        return event

    def counts():
        return [sys.getrefcount(x) for x in (a, parent, callback, data)]

    def edge():
        parent.append(a)
        parent.children()
        parent.remove(a)

    def fail():
        for wrong in (lambda: r.emit(-1), lambda: parent.remove(a)):
            try:
                wrong()
            except (LookupError, ValueError) as e:
                e.__traceback__ = None

    before = counts()
    a.set_callback(callback)
    stored = counts()
    assert [new - old for old, new in zip(before, stored)] == [0, 0, 1, 0], "the callback is not one reference"
    for use in (r.get, lambda: r.emit(1), edge, fail, lambda: s.MyClassRef(a)):
        for _ in range(3):
            use()
        assert counts() == stored, f"reference counts were {stored}, and are {counts()}"
    b = r.get()
    assert b is not a or counts() == [stored[0] + 1, *stored[1:]]
    del b
    a.set_callback(None)
    assert counts() == before, f"reference counts were {before}, and are {counts()}"
