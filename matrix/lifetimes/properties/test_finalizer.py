"""F: when does __del__ run?"""

import gc
import sys
import weakref

from lifetimes.harness import Junk, prop


def counting(s):
    """A subclass whose __del__ notes the number of the object it ran for."""
    deaths = []

    class Sub(s.MyClass):
        def __del__(self):
            deaths.append(self.id())

    return Sub, deaths


@prop("F1", "__del__ not at the flip")
def test_del_does_not_run_when_the_wrapper_becomes_a_zombie(s):
    """__del__ does not run when Python drops a wrapper whose object native code holds."""
    Sub, deaths = counting(s)
    a = Sub()
    r = s.MyClassRef(a)
    del a
    gc.collect()
    assert not deaths, "__del__ ran though native code holds the object"
    r.get()
    assert not deaths


@prop("F1[gc]", "__del__ not by gc either")
def test_del_is_not_run_by_gc_while_native_code_holds_the_object(s):
    """__del__ does not run when only a garbage cycle refers to a wrapper whose object native code holds."""
    Sub, deaths = counting(s)
    a, junk = Sub(), Junk()
    r = s.MyClassRef(a)
    junk.me, junk.a = junk, a
    del a, junk
    gc.collect()
    assert not deaths, "gc ran __del__ of an object that native code holds"
    r.release()


@prop("F2", "once, at the real death")
def test_del_runs_exactly_once_at_the_real_death(s):
    """__del__ runs exactly once, at the real death."""
    Sub, deaths = counting(s)
    a = Sub()
    number = a.id()
    r = s.MyClassRef(a)
    del a
    for _ in range(3):
        r.get()
    assert deaths == [], "__del__ ran before the real death"
    r.release()
    s.settle()
    assert deaths == [number]
    s.settle()
    gc.collect()
    assert deaths == [number]


@prop("F11", "death is prompt")
def test_death_is_prompt(s):
    """When the last reference goes, everything dies at once, without a garbage collection: the wrapper (with __del__ and callbacks) and the native object."""
    Sub, deaths = counting(s)
    for last_is_native in (False, True):
        a, calls = Sub(), []
        number, r = a.id(), s.MyClassRef(a)
        w = weakref.ref(a, calls.append)
        alive = s.live_objects()
        if last_is_native:
            a = None
            r.release()
        else:
            r.release()
            a = None
        assert deaths == [number] and len(calls) == 1 and w() is None, "the wrapper did not die at once"
        assert s.live_objects() == alive - 1, "the native object did not die at once"
        deaths.clear()


@prop("F11[edge]", "also when an edge goes last")
def test_death_is_prompt_when_the_last_holder_is_a_native_edge(s):
    """When a native edge was an object's last reference, everything dies at once with the edge, without a garbage collection: the wrapper, its attributes and the native object."""
    Sub, deaths = counting(s)
    for length in (1, 3):
        alive, parent, a, calls = s.live_objects(), s.MyClass(), Sub(), []
        number, a.marker = a.id(), Junk()
        w, marker = weakref.ref(a, calls.append), weakref.ref(a.marker)
        parent.append(a)
        for _ in range(length - 1):
            parent, child = s.MyClass(), parent
            parent.append(child)
        a = child = None
        assert s.live_objects() == alive + length + 1
        parent = None
        assert deaths == [number] and len(calls) == 1 and w() is None, "the wrapper did not die at once"
        assert marker() is None, "the attribute did not die at once"
        assert s.live_objects() == alive, "the native objects did not die at once"
        deaths.clear()


@prop("F12", "dropped inside its own callback", child=True)
def test_the_last_reference_dropped_inside_a_native_callback(s):
    """A native callback that drops the last Python reference to its object, or the last reference of all, still answers, and the object dies once."""
    Sub, deaths = counting(s)
    for last_of_all in (False, True):
        alive, a = s.live_objects(), Sub()
        a.x = [1]
        number, box, r = a.id(), [a], s.MyClassRef(a)

        def callback(event):
            box.clear()
            if last_of_all:
                r.release()
            gc.collect()
            return event + 1

        a.set_callback(callback)
        del a
        assert r.emit(1) == 2
        if not last_of_all:
            assert s.live_objects() == alive + 1 and r.emit(2) == 3, "the object died though native code holds it"
            r.release()
        s.settle()
        gc.collect()
        assert deaths == [number], "__del__ did not run once"
        assert s.live_objects() == alive, "the object leaks"
        deaths.clear()


@prop("F3", "__del__ stores self in Python")
def test_del_that_stores_self_in_a_global(s):
    """An object whose __del__ stores it somewhere lives on intact, and is freed when dropped again."""
    box = []

    class Sub(s.MyClass):
        __slots__ = ("x",)

        def __del__(self):
            box.append(self)

    for held_before in (False, True):
        a = Sub()
        a.x, a.y, number = [1], [2], a.id()
        r = s.MyClassRef(a)
        if held_before:
            a = None
            r.get()
        r.release()
        del a
        s.settle()
        (b,) = box
        box.clear()
        assert (b.id(), type(b)) == (number, Sub)
        assert held_before or (b.x, b.y) == ([1], [2])
        alive = s.live_objects()
        del b
        s.settle()
        gc.collect()
        assert s.live_objects() == alive - 1, "it was not freed when it was dropped again"


@prop("F4", "__del__ hands self to native code", child=True)
def test_del_that_hands_self_to_native_code(s):
    """An object whose __del__ hands it to native code, any number of times, is preserved like any other."""
    for times in (1, 3, 50):
        holders = []

        class Sub(s.MyClass):
            __slots__ = ("x",)

            def __del__(self):
                holders.extend(s.MyClassRef(self) for _ in range(times))

        a = Sub()
        a.x, a.y, number = [1], [2], a.id()
        del a
        assert len(holders) == times
        for _ in range(3):
            b = holders[0].get()
            assert b.id() == number
            assert (getattr(b, "x", None), getattr(b, "y", None)) == ([1], [2]), "state is lost"
            assert all(h.get() is b for h in holders)
            del b
            gc.collect()
        while holders:
            holders.pop().release()


@prop("F5", "pending exception survives")
def test_a_pending_exception_is_still_pending_afterwards(s):
    """An exception that is pending when a wrapper dies or flips arrives unchanged."""
    ran = []

    class Sub(s.MyClass):
        def __del__(self):
            try:
                raise KeyError("inside")
            except KeyError:
                ran.append(self.id())

    def fail(obj):
        return obj, 1 / 0

    a = Sub()
    a.id()  # an error in __del__ would be reported only
    r = s.MyClassRef(a)
    del a
    # Each wrapper is on the interpreter's stack only, and dies as the exception passes.
    for make in (r.get, Sub, s.MyClass, s.new_native, lambda: s.MyClassRef(Sub())):
        try:
            fail2 = make(), 1 / 0
        except ZeroDivisionError as e:
            assert e.args == ("division by zero",) and e.__context__ is None
        else:
            raise AssertionError(fail2)
        try:
            fail(make())
        except ZeroDivisionError as e:
            assert e.__context__ is None
            e.__traceback__ = None
    assert ran
    r.release()


@prop("F6", "native object usable in __del__")
def test_the_native_object_is_usable_inside_del(s):
    """Inside __del__ the native object is intact: its number, message and edges can be used."""
    seen = []

    class Sub(s.MyClass):
        def __del__(self):
            seen.append((self.id(), self.message(), [c.id() for c in self.children()]))

    for last_is_native in (False, True):
        a, child = Sub("text"), s.MyClass()
        a.append(child)
        want = a.id(), a.message(), [c.id() for c in a.children()]
        assert want[1:] == ("text", [child.id()])
        r = s.MyClassRef(a)
        if last_is_native:
            del a
            r.release()
        else:
            r.release()
            del a
        s.settle()
        assert seen == [want]
        seen.clear()
        del child


@prop("F8", "types with __del__ are preserved")
def test_types_with_del_are_preserved_like_types_without(s):
    """A type with __del__ is preserved like a type without, through any number of deaths."""

    class Sub(s.MyClass):
        def __del__(self):
            pass

    a = Sub()
    a.x = [1]
    r = s.MyClassRef(a)
    del a
    for _ in range(10):
        assert getattr(r.get(), "x", None) == [1], "a type with __del__ is not preserved"
        gc.collect()


@prop("F10", "__del__ reassigns __class__")
def test_del_that_assigns_another_class(s):
    """A __del__ that assigns another __class__ leaves the reference counts of both classes as they were."""

    class Other(s.MyClass):
        pass

    class Sub(s.MyClass):
        def __del__(self):
            self.__class__ = Other

    Sub(), Other()
    before = sys.getrefcount(Sub), sys.getrefcount(Other)
    for _ in range(100):
        Sub()
    after = sys.getrefcount(Sub), sys.getrefcount(Other)
    assert after == before, f"reference counts went from {before} to {after}"


@prop("F9", "failed construction leaks nothing")
def test_a_failed_construction_leaks_nothing(s):
    """A constructor that raises, and gc in the middle of construction, leak nothing."""

    class InInit(s.MyClass):
        def __init__(self):
            gc.collect()
            super().__init__()
            gc.collect()
            self.me = self
            raise LookupError

    class InNew(s.MyClass):
        def __new__(cls):
            self = super().__new__(cls)
            gc.collect()
            try:
                self.ref = s.MyClassRef(self)
                self.ref.release()
            except Exception as e:  # only a library may refuse what is not yet constructed
                assert s.refusal(e), e
            raise LookupError

    alive = s.live_objects()
    for cls in (InInit, InNew):
        for _ in range(5):
            try:
                cls()
            except LookupError as e:
                e.__traceback__ = None
    for bad in ((1,), (b"",), ("a", "b")):
        try:
            s.MyClass(*bad)
        except TypeError as e:
            e.__traceback__ = None
        else:
            raise AssertionError(f"MyClass{bad} was accepted")
    s.settle()
    gc.collect()
    assert s.live_objects() == alive, "a failed construction left native objects behind"


@prop("F7", "__del__ after a goroutine's release", child=True)
def test_del_runs_whole_when_the_last_reference_goes_on_a_goroutine(s):
    """__del__ runs once, with the native object intact, when a goroutine releases the last native reference; its exception is reported."""
    seen, reported = [], []

    class Sub(s.MyClass):
        __slots__ = ("fail",)

        def __del__(self):
            seen.append((self.id(), self.message(), [c.id() for c in self.children()]))
            s.MyClassRef(self.children()[0]).release_from_goroutine()
            if getattr(self, "fail", False):
                raise KeyError("in __del__")

    sys.unraisablehook = lambda info: reported.append(str(info.exc_value))
    try:
        for fail in (False, True):
            for _ in range(50):
                a, child = Sub("text"), s.MyClass()
                a.append(child)
                a.fail = fail
                want, r = (a.id(), a.message(), [c.id() for c in a.children()]), s.MyClassRef(a)
                assert want[1:] == ("text", [child.id()])
                del a, child
                r.release_from_goroutine()
                s.settle()
                assert seen == [want]
                assert reported == (["'in __del__'"] if fail else [])
                seen.clear()
                reported.clear()
    finally:
        sys.unraisablehook = sys.__unraisablehook__
