"""No leak of references, as counted by a debug build of CPython."""

import contextlib
import gc
import sys
import weakref

import pyobject_preservation as pp
import pytest
from suite import USABLE

pytestmark = pytest.mark.skipif(not hasattr(sys, "gettotalrefcount"), reason="needs a debug build of CPython")


def everything(m):
    """Each way a wrapper can live and die."""

    class Sub(m.MyClass):
        __slots__ = ("s",)

        def __del__(self):
            self.id()

    for cls in (m.MyClass, Sub):
        a = cls("message")
        a.x, a.s = [1], a if cls is Sub else None
        r, w = m.MyClassRef(a), weakref.ref(a)
        a.s = None
        del a
        r.get()
        r.emit(3)
        b = w()
        r.release()
        if b is not None:
            b.append(b)
            b.children()
            b.remove(b)
        del b
        r = m.new_native("native")
        r.get().y = r
        r.release_from_goroutine()
    for f in (r.get, lambda: m.MyClassRef(1), lambda: m.MyClass(1)):
        with contextlib.suppress(Exception):
            f()
    del Sub, cls, r, w, f


@pytest.mark.parametrize("name", USABLE)
def test_total_reference_count_is_flat(name):
    m = pp.strategy(name)
    totals = []
    for _ in range(6):
        for _ in range(50):
            everything(m)
        for _ in range(4):
            m.settle()
            gc.collect()
        totals.append(sys.gettotalrefcount())
    # A leak of one reference a round would be 50 a step.
    growth = min(b - a for a, b in zip(totals[1:], totals[2:]))
    assert growth < 10, totals


@pytest.mark.parametrize("name", USABLE)
def test_total_reference_count_is_flat_over_flips(name):
    m = pp.strategy(name)
    a = m.MyClass()
    a.x = 1
    r = m.MyClassRef(a)
    del a
    totals = []
    for _ in range(5):
        for _ in range(10_000):
            r.get()
        gc.collect()
        totals.append(sys.gettotalrefcount())
    assert totals[-1] - totals[1] < 20, totals
