"""MyClass(): the number and the handle of a native object are its own, although the memory of a
dead one is used again; and the call obeys whatever is assigned to the class."""

import gc

import pyobject_preservation as pp
import pytest
from suite import USABLE


@pytest.fixture(params=USABLE)
def m(request):
    return pp.strategy(request.param)


@pytest.mark.parametrize("kept", [1, 50, 5000])
def test_numbers_are_never_reused(m, kept):
    """kept objects are alive at a time: fewer, or more, than Go makes at once."""
    alive, seen = [None] * kept, set()
    for n in range(4 * kept + 3000):
        a = m.MyClass()
        alive[n * 7 % kept] = a
        seen.add(a.id())
    assert len(seen) == 4 * kept + 3000


def test_an_object_begins_empty(m):
    """Whatever the previous object with the same memory had."""
    for n in range(200):
        a = m.MyClass()
        assert (a.message(), a.children(), vars(a)) == ("", [], {})
        if n % 2:
            a.x = n
        if n % 3 == 0:
            a.__init__("text")
        if n % 5 == 0:
            a.append(m.MyClass())
        if n % 7 == 0:
            a.set_callback(lambda event: event)
        r = m.MyClassRef(a)
        assert r.emit(3) == 3
        del a, r
    m.settle()


def test_what_is_spare_is_not_alive(m):
    m.settle()
    gc.collect()
    before = m.live_objects()
    many = [m.MyClass() for _ in range(20_000)]  # more than are kept as spares
    assert m.live_objects() == before + 20_000
    del many
    assert m.live_objects() == before


def test_arguments(m):
    assert m.MyClass("text").message() == "text"
    assert m.MyClass(message="text").message() == "text"
    assert m.MyClass(*[]).message() == ""
    for args, kwargs in [((1,), {}), (("a", "b"), {}), ((), {"other": 1}), (("a",), {"message": "b"})]:
        with pytest.raises(TypeError):
            m.MyClass(*args, **kwargs)


def test_an_assignment_to_init_is_obeyed(m):
    init, made = m.MyClass.__init__, []
    try:
        m.MyClass.__init__ = lambda self, *args: made.append(args)
        m.MyClass()
        m.MyClass(1, 2)
        assert made == [(), (1, 2)]
    finally:
        m.MyClass.__init__ = init
    assert m.MyClass().message() == ""


def test_a_metaclass_is_obeyed(m):
    class Meta(type):
        def __call__(cls, *args):
            return [super().__call__(*args)]

    class Sub(m.MyClass, metaclass=Meta):
        pass

    assert type(Sub("text")[0]) is Sub


def test_handles_that_python_has_seen_name_one_object_for_ever():
    m = pp.strategy("handletable")
    for keep in (True, False):
        a = m.MyClass()
        handle = a.handle()
        if keep:
            r = m.MyClassRef(a)
            del a, r
        else:
            del a
        many = [m.MyClass() for _ in range(100)]
        assert handle not in [b.handle() for b in many]
        with pytest.raises(ReferenceError):
            m.MyClass.from_handle(handle)


def test_a_closed_wrapper_equals_no_later_object():
    m = pp.strategy("handletable")
    closed = []
    for _ in range(200):
        a = m.MyClass()
        a.close()
        closed.append(a)
    assert len(set(closed)) == 200
    assert not any(m.MyClass() == a for a in closed)


def test_spare_objects_answer_to_no_handle():
    """A guessed handle finds a live object of the strategy, or none."""
    m = pp.strategy("handletable")
    a = m.MyClass()
    around = a.handle()
    for guess in range(around - 3000, around + 3000):
        try:
            found = m.MyClass.from_handle(guess)
        except (ReferenceError, OverflowError):
            continue
        assert found == a or found.id() > 0
    before = m.live_objects()
    assert m.MyClass().id() > a.id()
    assert m.live_objects() == before
