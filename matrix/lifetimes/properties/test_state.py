"""S: what was on the wrapper?"""

import abc
import gc
import sys
import typing

from lifetimes.harness import Lacks, prop


@prop("S1", "__dict__ values")
def test_dict_values_survive(s):
    """Values in __dict__ survive the wrapper's death."""
    a = s.MyClass()
    a.x, a.y = [1, 2], "y"
    r = s.MyClassRef(a)
    del a
    b = r.get()
    assert (getattr(b, "x", None), getattr(b, "y", None)) == ([1, 2], "y"), "attributes are lost"


@prop("S2", "the very same __dict__")
def test_the_very_same_dict_survives(s):
    """The very same __dict__ object is there after the wrapper's death."""
    a = s.MyClass()
    d = a.__dict__
    d["x"] = 1
    r = s.MyClassRef(a)
    del a
    assert r.get().__dict__ is d, "another __dict__ came back"
    d["y"] = 2
    assert getattr(r.get(), "y", None) == 2, "another object came back"


@prop("S2[replaced]", "a __dict__ that was assigned")
def test_an_assigned_dict_survives(s):
    """A dict assigned to __dict__ is there after the wrapper's death, also if it was assigned to a wrapper that came back."""
    a = s.MyClass()
    a.x = 1
    r = s.MyClassRef(a)
    for n in (2, 3):
        d = {"x": n}
        try:
            a.__dict__ = d
        except AttributeError:
            raise Lacks(f"{s.name} does not allow __dict__ to be assigned") from None
        del a
        a = r.get()
        assert getattr(a, "x", None) == n, "the assigned __dict__ is lost"
        assert a.__dict__ is d, "another __dict__ came back"


@prop("S3", "__slots__, two levels")
def test_slots_survive_on_two_levels(s):
    """Values in __slots__ survive, on two levels of subclassing."""

    class One(s.MyClass):
        __slots__ = ("x",)

    class Two(One):
        __slots__ = ("y", "unset")

    a = Two()
    a.x, a.y = [1], [2]
    r = s.MyClassRef(a)
    del a
    gc.collect()
    b = r.get()
    assert (getattr(b, "x", None), getattr(b, "y", None)) == ([1], [2]), "slots are lost"
    assert not hasattr(b, "unset")


@prop("S4", "subclass")
def test_a_subclass_is_still_the_subclass(s):
    """An instance of a Python subclass comes back as one."""

    class Sub(s.MyClass):
        pass

    a = Sub()
    r = s.MyClassRef(a)
    del a
    assert type(r.get()) is Sub, "the subclass is lost"


@prop("S5", "reassigned __class__")
def test_a_reassigned_class_is_kept(s):
    """A __class__ assigned before the wrapper's death is kept."""

    class A(s.MyClass):
        pass

    class B(s.MyClass):
        pass

    a = A()
    r = s.MyClassRef(a)
    a.__class__ = B
    del a
    b = r.get()
    assert type(b) is B, "the assigned class is lost"
    b.__class__ = A
    del b
    assert type(r.get()) is A, "the class assigned after the first death is lost"


@prop("S6", "type's refcount is flat")
def test_reference_count_of_the_type_is_flat(s):
    """1,000 flips leave the reference count of the type as it was."""

    class Sub(s.MyClass):
        __slots__ = ("x",)

    for cls in (s.MyClass, Sub):
        a = cls()
        r = s.MyClassRef(a)
        del a
        r.get()
        before = sys.getrefcount(cls)
        for _ in range(1000):
            r.get()
        assert abs(sys.getrefcount(cls) - before) < 10, "the type's reference count moves"
        r.release()


@prop("S7", "mixins, ABC, Generic, Protocol, metaclass")
def test_any_kind_of_class_can_be_mixed_in(s):
    """Mixins first, ABC, Generic and Protocol bases and a user's metaclass work like a plain subclass."""
    T = typing.TypeVar("T")

    class Plain(s.MyClass):
        pass

    def kept(cls):
        a = cls()
        a.x = 1
        r = s.MyClassRef(a)
        del a
        gc.collect()
        b = r.get()
        return type(b) is cls, getattr(b, "x", None)

    want = kept(Plain)
    for make in (mixin_first, silent_mixin, abstract_base, generic_base, protocol_base, user_metaclass, diamond):
        try:
            cls = make(s.MyClass, T)
        except TypeError as e:
            raise AssertionError(f"{make.__name__}: {e}") from None
        assert kept(cls) == want, f"{make.__name__} does not fare like a plain subclass"


def mixin_first(base, T):
    class Mixin:
        def hello(self):
            return "hello"

    class C(Mixin, base):
        pass

    assert C().hello() == "hello"
    return C


def silent_mixin(base, T):
    class Mixin:
        def __init_subclass__(cls, **kwargs):
            pass  # does not call super()'s

    class C(Mixin, base):
        __slots__ = ("s",)

    return C


def abstract_base(base, T):
    class Abstract(abc.ABC):
        @abc.abstractmethod
        def f(self): ...

    class Unfinished(Abstract, base):
        pass

    try:
        Unfinished()
    except TypeError:
        pass
    else:
        raise AssertionError("a class with abstract methods could be instantiated")

    class C(Abstract, base):
        def f(self):
            return 1

    return C


def generic_base(base, T):
    class C(typing.Generic[T], base):
        pass

    return C


def protocol_base(base, T):
    class P(typing.Protocol):
        def id(self) -> int: ...

    class C(base, P):
        pass

    return C


def user_metaclass(base, T):
    class Meta(type):
        pass

    class C(base, metaclass=Meta):
        pass

    return C


def diamond(base, T):
    class A(base):
        def __init_subclass__(cls, *, option=None, **kwargs):
            super().__init_subclass__(**kwargs)

    class B(base):
        pass

    class C(A, B, option=1):
        pass

    return C


@prop("S10", "wrapped again while torn down")
def test_a_wrap_while_the_wrapper_is_torn_down_keeps_class_and_dict(s):
    """Code that runs during a wrapper's tp_dealloc and wraps its object again finds class and __dict__."""
    got = []

    class Value:
        def __del__(self):
            got.append(r.get())

    class Sub(s.MyClass):
        __slots__ = ("v",)

    a = Sub()
    a.x = 1
    r = s.MyClassRef(a)
    a.v = Value()
    del a
    gc.collect()
    b = r.get()
    if not got:
        got.append(b)  # it was not torn down at all
    for c in (*got, b):
        assert (type(c), getattr(c, "x", None)) == (Sub, 1), "class or dict is lost"
    got.clear()
    c = None
    del b
    # The last drop tears it down for good, and the value's __del__ finds nothing.
    Value.__del__ = lambda self: None
    r.release()
    got.clear()  # a free-threaded interpreter may keep the old __del__, and so this list, for later


@prop("S8", "stored by native code while a zombie")
def test_attributes_stored_by_native_code_while_a_zombie(s):
    """An attribute that a native callback stores while the wrapper is dead is there afterwards."""

    class Sub(s.MyClass):
        def on_event(self, n):
            self.seen = n
            return n

    a = Sub()
    r = s.MyClassRef(a)
    del a
    r.emit(7)
    gc.collect()
    assert getattr(r.get(), "seen", None) == 7, "what the callback stored is lost"


@prop("S9", "overridden methods reached by callbacks")
def test_native_callbacks_reach_overridden_methods_after_death(s):
    """After the wrapper's death native callbacks reach the method overridden in the subclass or on the instance."""

    class Sub(s.MyClass):
        def on_event(self, n):
            return n + 100

    a, b = Sub(), s.MyClass()
    b.on_event = lambda n: n + 1000
    r, r2 = s.MyClassRef(a), s.MyClassRef(b)
    assert r.emit(1) == 101, "the override is not reached even while the wrapper is alive"
    del a, b
    gc.collect()
    assert r.emit(1) == 101, "the subclass's method is not reached"
    assert r2.emit(1) == 1001, "the instance's method is not reached"


@prop("S9[bound]", "a bound method of its own")
def test_a_bound_method_on_its_own_instance_is_reached_after_death(s):
    """A bound method stored on its own instance is what native callbacks reach after Python dropped that, and both are collected after release."""

    class Sub(s.MyClass):
        def handle(self, n):
            self.seen = n
            return n + self.x

    alive = s.live_objects()
    a = Sub()
    a.x, a.on_event = 10, a.handle
    r = s.MyClassRef(a)
    del a
    gc.collect()
    assert r.emit(1) == 11, "the bound method is not reached"
    assert getattr(r.get(), "seen", None) == 1, "what the bound method stored is lost"
    r.release()
    s.settle()
    gc.collect()
    assert s.live_objects() == alive, "object and bound method leak"
