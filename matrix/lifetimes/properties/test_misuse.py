"""D and C: what if it is used wrongly?"""

import copy
import gc
import pickle

from lifetimes.harness import NotApplicable, prop


def refused(error, f, *args, says=""):
    """Assert that f(*args) raises error, with a message that is a sentence."""
    try:
        result = f(*args)
    except error as e:
        assert len(str(e)) > 10, f"{f} said only {e!r}"
        assert says in str(e), f"{e!r} does not say {says!r}"
        e.__traceback__ = None
    except NotApplicable:
        raise
    except Exception as e:
        raise AssertionError(f"{f}{args} raised {e!r}, not {error.__name__}") from None
    else:
        raise AssertionError(f"{f}{args} was accepted and gave {result!r}")


@prop("D1", "misuse is a clear exception", child=True)
def test_misuse_is_a_clear_exception(s):
    """Stale handles, released holders, foreign objects and wrong types are a clear exception each, never a crash."""
    a, b = s.MyClass(), s.MyClass()
    fake = type("MyClass", (), {})()
    other, other_ref = (s.foreign.MyClass(), s.foreign.new_native()) if s.foreign else (fake, fake)

    for wrong in (None, 1, "a", [], object(), fake, s.MyClass, other, other_ref, s.new_native()):
        refused(TypeError, s.MyClassRef, wrong)
        refused(TypeError, a.append, wrong)
        refused(TypeError, a.remove, wrong)
    refused(TypeError, s.MyClassRef)
    refused(TypeError, s.MyClassRef, a, b)
    refused(TypeError, s.MyClass, 1, says="message")
    refused(TypeError, s.new_native, 1, says="message")
    refused(TypeError, s.new_native, "a", "b")
    refused(TypeError, lambda: type("Sub", (s.MyClassRef,), {}))
    refused(TypeError, s.MyClass.id, other)
    refused(TypeError, s.MyClass.id, fake)
    refused(TypeError, s.MyClassRef.get, other_ref)
    refused(ValueError, a.remove, b)
    assert a.children() == [] and b.children() == []

    r = s.MyClassRef(a)
    refused(TypeError, r.emit, "1")
    refused(OverflowError, r.emit, 1 << 70)
    a.on_event = lambda n: "x"
    if r.get() is a:
        refused(TypeError, r.emit, 1, says="on_event")
    del a.on_event
    r.release()
    r.release()
    r.release_from_goroutine()
    refused(ReferenceError, r.get, says="released")
    refused(ReferenceError, r.emit, 1, says="released")
    assert "released" in repr(r)
    assert repr(a) and a.id() != b.id()

    if hasattr(s.module.MyClass, "from_handle"):
        stale_handles(s, a, other)


def stale_handles(s, a, other):
    """Where wrappers carry handles: numbers that name no object, or another object."""
    of, handle = s.MyClass.from_handle, a.handle()
    assert of(handle) == a
    dead = s.MyClass()
    stale = dead.handle()
    del dead
    gc.collect()
    successors = [s.MyClass() for _ in range(100)]  # one of them has the dead one's slot
    for wrong in (
        stale,
        0,
        -1,
        1,
        1 << 31,
        1 << 64,
        1 << 70,
        10**5000,
        handle ^ 1 << 32,
        handle + (2 << 32),
        handle | 1 << 31,
    ):
        refused(ReferenceError, of, wrong)
    for wrong in (None, "1", 1.0, a):
        refused(TypeError, of, wrong)
    # Spare native objects are not in use yet.
    alive = s.live_objects()
    found = [x for x in map(neighbour(of), range(handle - 64, handle + 64)) if x is not None]
    assert s.live_objects() == alive
    fresh = [s.MyClass() for _ in range(64)]
    assert not any(x == y for x in found for y in fresh), "a handle reached an object that was not made yet"
    assert stale not in [x.handle() for x in successors]
    closed = of(handle)
    closed.close()
    closed.close()
    refused(ReferenceError, closed.id, says="closed")
    refused(ReferenceError, s.MyClassRef, closed, says="closed")
    refused(ReferenceError, a.append, closed, says="closed")
    assert closed == a and hash(closed) == hash(a) and "gone" in repr(closed)
    assert a.id() == of(handle).id()


def neighbour(of):
    """of, but None for what it refuses."""

    def find(handle):
        try:
            return of(handle)
        except ReferenceError:
            return None

    return find


@prop("D2", "skipped super() is safe", child=True)
def test_a_subclass_that_skips_super_works_or_says_so(s):
    """A subclass whose __init__ or __new__ skips super() works, or is a clear error on use."""

    class NoInit(s.MyClass):
        def __init__(self, a, *, b):
            self.b = a, b

    def works_or_says_so(f):
        try:
            assert f()
        except Exception as e:  # a library may do without
            if not s.refusal(e):
                raise

    def skipped():
        a = NoInit(1, b=2)
        return a.b == (1, 2) and s.MyClassRef(a).get().id() == a.id()

    works_or_says_so(skipped)
    works_or_says_so(lambda: s.MyClass.__new__(NoInit).id() != s.MyClass().id())

    class NoNew(s.MyClass):
        def __new__(cls):
            return object.__new__(cls)

    class OtherNew(s.MyClass):
        def __new__(cls):
            return 42

    refused(TypeError, NoNew)
    assert OtherNew() == 42
    refused(TypeError, s.MyClass.__new__, int)
    refused(TypeError, s.MyClass.__new__)


@prop("C1", "copy, deepcopy, pickle")
def test_copying_is_refused_or_makes_another_object(s):
    """copy, deepcopy and pickle raise a clear TypeError or make a distinct native object."""

    class Sub(s.MyClass):
        __slots__ = ("x",)

    a = s.MyClass()
    a.y = 1
    for obj in (a, Sub(), s.MyClassRef(a)):
        for f in (
            copy.copy,
            copy.deepcopy,
            *(lambda o, p=p: pickle.dumps(o, p) for p in range(pickle.HIGHEST_PROTOCOL + 1)),
        ):
            try:
                b = f(obj)
            except TypeError as e:
                assert "copy" in str(e) and "native" in str(e), f"unclear: {e}"
                e.__traceback__ = None
            else:
                assert obj is not a or b.id() != a.id(), "two wrappers for one native object"
