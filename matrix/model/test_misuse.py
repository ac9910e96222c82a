"""Every entry point with every wrong argument: a clear exception, never a crash, no leak."""

import os
import weakref

import pyobject_preservation as pp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lifetimes import harness

# What a call may raise, of its own or because Odd does. Anything else is a bug, SystemError first of all.
CLEAR = (TypeError, ValueError, ReferenceError, OverflowError, AttributeError, LookupError, ZeroDivisionError)


class Odd:
    """Refuses everything that it is asked for."""

    def __getattribute__(self, name):
        raise KeyError(name)

    __index__ = __iter__ = __len__ = __call__ = lambda self, *a: 1 / 0


def things(m):
    """Functions that make wrong things, and right ones among them."""
    other = next(pp.strategy(n) for n in pp.STRATEGIES if n != m.__name__.split(".")[1])

    class Half(m.MyClass):
        __slots__ = ("s",)

        def __init__(self):
            raise LookupError

    class Whole(m.MyClass):
        def __eq__(self, other):
            return NotImplemented

        __hash__ = None

    def half():
        return Half.__new__(Half)

    def released():
        r = m.MyClassRef(m.MyClass())
        r.release()
        return r

    def dead():
        return weakref.ref(m.MyClass())

    def cyclic():
        x = []
        x.append(x)
        return x

    return [
        lambda: None,
        lambda: 0,
        lambda: -1,
        lambda: 1 << 70,
        lambda: 1.5,
        lambda: float("nan"),
        lambda: "text",
        lambda: "\udc80",
        lambda: "\0" * 300,
        lambda: b"bytes",
        lambda: bytearray(9),
        list,
        cyclic,
        dict,
        lambda: (1, 2),
        object,
        Odd,
        lambda: m,
        lambda: m.MyClass,
        lambda: m.MyClassRef,
        lambda: Half,
        dead,
        half,
        released,
        Whole,
        m.MyClass,
        lambda: m.MyClass("x" * 1000),
        m.new_native,
        lambda: m.MyClassRef(Whole()),
        other.MyClass,
        other.new_native,
        lambda: type("MyClass", (), {})(),
        lambda: print,
        lambda: lambda n: n,
        lambda: memoryview(b"x"),
        lambda: iter([m.new_native()]),
        lambda: [m.new_native(), 1],
    ]


def calls(m):
    """(what is called, with how many things) of the whole API; the first may be self."""
    for cls in (m.MyClass, m.MyClassRef):
        for name, f in sorted(vars(cls).items()):
            # Not those that keep what they get, or print it.
            if callable(f) and name not in ("release_after_python", "print_message"):
                for n in range(1, 4):
                    yield name, f, n
    for name in ("MyClass", "MyClassRef", "new_native", "release_from_goroutines", "live_objects", "stats"):
        for n in range(3):
            yield name, getattr(m, name), n


@pytest.mark.parametrize("name", pp.STRATEGIES)
def test_the_whole_api_with_anything(name):
    m = pp.strategy(name)
    make, targets = things(m), list(calls(m))

    before = harness.balance(m)

    @settings(
        max_examples=int(os.environ.get("MODEL_EXAMPLES", "8")) * 40,
        deadline=None,
        database=None,
        derandomize="MODEL_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(range(len(targets))),
        st.lists(st.integers(0, len(make) - 1), min_size=3, max_size=3),
        st.booleans(),
    )
    def attempt(target, which, keyword):
        what, f, n = targets[target]
        arguments = [make[i]() for i in which[:n]]
        if hasattr(f, "__get__") and not isinstance(f, type) and arguments and type(arguments[0]) is Odd:
            arguments[0] = m.MyClass()
        try:
            f(*arguments, **({"locked": 1} if keyword else {}))
        except CLEAR as e:
            assert str(e), f"{what} raised {e!r} without a word"
            e.__traceback__ = None

    attempt()
    assert harness.balance(m) == before, "something is left over"
