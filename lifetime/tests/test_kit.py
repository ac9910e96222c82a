"""The kit's promises about lifetime and classes of wrappers. Built and run by run.py; with
the module on the path, `python test_kit.py [WORD]` runs all of the kit's tests without pytest."""

import abc
import gc
import sys
import weakref

from kit_helpers import (
    FREE_THREADED,
    KEEPING,
    KINDS,
    REFS,
    STATE,
    WRAPPED,
    Log,
    check_all,
    kit,
    live,
    main,
    make,
    refused,
    subclass,
)

# ---- resurrection -----------------------------------------------------------------


def test_a_natively_held_wrapper_comes_back_with_all_it_had():
    for base in KEEPING:
        cls = subclass(base)
        w = make(cls, a1=1, b=[2], d=3)
        held, address = kit.retain(w), id(w)
        del w
        gc.collect()
        assert kit.look(held)[STATE] == (base is kit.Preserve)
        w = kit.wrap(held)
        assert (id(w), type(w), w.a1, w.b, w.d) == (address, cls, 1, [2], 3)
        # Preserve: native code's from the first flip to the last native release.
        assert kit.look(held)[:2] == (2, base is kit.Preserve) and kit.wrap(held) is w
        kit.release(held)
        assert kit.look(w)[:2] == (1, 0)
        del w
        gc.collect()
        assert live() == 0


def test_a_weak_reference_resurrects_a_zombie():
    for base in KEEPING:
        for last in "release", "drop":
            w = make(base, d=1)
            held, r = kit.retain(w), weakref.ref(w)
            del w
            w = r()
            assert w.d == 1
            if last == "drop":  # the zombie's reference is left
                del w
                assert r() is not None and kit.wrap(held) is r()
                kit.release(held)
            else:
                kit.release(held)
                assert w.d == 1 and kit.look(w)[:2] == (1, 0)
                del w
            assert r() is None and live() == 0


def test_flips_leave_the_counts_of_wrapper_and_type_alone():
    for base in KEEPING:
        cls = subclass(base)
        w = cls()
        held = kit.retain(w)
        del w  # Preserve: its native reference gets a Python reference, for as long as it is held
        w = kit.wrap(held)
        types, own = sys.getrefcount(cls), sys.getrefcount(w)
        for _ in range(1000):
            del w
            w = kit.wrap(held)
        assert sys.getrefcount(w) == own
        assert FREE_THREADED or sys.getrefcount(cls) == types
        kit.release(held)


def test_births_and_deaths_leave_the_type_count_alone():
    for base in KINDS:
        for finalize in None, lambda self: None:
            cls = subclass(base, finalize)
            before = sys.getrefcount(cls), sys.getrefcount(base)
            for _ in range(1000):
                held = kit.retain(make(cls, b=1, d=2))
                kit.release(held)
                held = kit.born(base)
                kit.wrap(held)
                kit.release(held)
            assert FREE_THREADED or (sys.getrefcount(cls), sys.getrefcount(base)) == before


def test_total_of_references_balances():
    if not hasattr(sys, "gettotalrefcount"):
        return "not a debug build"
    classes = [subclass(base, finalize) for base in KINDS for finalize in (None, lambda self: kept.append(self))]
    kept = []

    def work():
        for cls in classes:
            for name in "self", "holder":
                w = make(cls, a1=[], b=[], d=[])
                held = kit.retain(w)
                setattr(w, name, w if name == "self" else kit.Holder(w))
                del w
                w = kit.wrap(held)
                kit.release(held)
                del w
                gc.collect()
                kept.clear()
                gc.collect()

    for _ in range(5):
        work()
    before = sys.gettotalrefcount()
    for _ in range(100):
        work()
    assert abs(sys.gettotalrefcount() - before) < 50


def test_resurrected_by_the_keep_hook():
    w = make(subclass(kit.Mapped, lambda self: kit.keep_once(self)), b=1, d=2)
    del w
    w = kit.take_kept()
    assert (w.b, w.d) == (1, 2) and kit.wrap(w) is w
    assert live() == 1


# ---- death --------------------------------------------------------------------------


class Pure:
    """A Python class with what the native ones have."""


def life(base, how):
    """The log of a life and its end."""
    log = Log()
    cls = subclass(base, lambda self: log.append("del"))
    w = make(
        cls, d1=log.value("dict 1"), a1=log.value("a1"), b=log.value("b"), d2=log.value("dict 2"), a2=log.value("a2")
    )
    refs = [weakref.ref(w, lambda r, i=i: log.append(f"weak {i}, {r()}")) for i in range(3)]
    if how == "cycle":
        w.self = w
        del w
        gc.collect()
    elif how == "zombie" and base is not Pure:
        held = kit.retain(w)
        del w
        kit.release(held)
    else:
        del w
    del refs
    return list(log)


def test_death_has_the_order_of_a_python_class():
    for how in "drop", "cycle", "zombie":
        python = life(Pure, how)
        assert sorted(python)[:2] == ["a1", "a2"] and len(python) == 9
        for base in KEEPING if how == "zombie" else KINDS:
            expected = python + ["native"]
            if base is kit.Toggle and how != "cycle":
                # Toggle clears weak references itself, after CPython's slot for subclasses.
                expected.sort(
                    key=lambda word: ("del", "b", "a1", "a2", "weak", "dict", "native").index(word.split()[0])
                )
            assert life(base, how) == expected, (base, how)


def test_hooks_are_called_once_and_in_time():
    log = []
    cls = subclass(kit.Mapped, lambda self: log.append(("del", kit.look(self)[WRAPPED])))
    w = cls()
    held, before = kit.retain(w), kit.hooks()
    r = weakref.ref(w, lambda r: log.append(("weak", kit.look(held)[WRAPPED])))
    del w
    assert log == [("del", True), ("weak", False)]
    assert [b - a for a, b in zip(before, kit.hooks())] == [2, 1, 1]  # keep: before and after __del__
    assert kit.wrap(held) is not None
    kit.release(held)
    del r


def test_del_that_stores_self_resurrects_it_once():
    for base in KINDS:
        stored = []
        w = make(subclass(base, lambda self: stored.append(self)), b=1, d=2)
        address = id(w)
        del w
        (w,) = stored
        assert (id(w), w.b, w.d) == (address, 1, 2) and kit.look(w)[:2] == (1, 0) and gc.is_tracked(w)
        assert kit.wrap(w) is w
        stored.clear()
        w.self = w  # gc sees it again
        del w
        gc.collect()
        assert live() == 0 and stored == []


def test_del_that_hands_self_to_native_code():
    for base in KINDS:
        held = []
        w = make(subclass(base, lambda self: held.append(kit.retain(self))), b=1, d=2)
        address = id(w)
        del w
        assert kit.look(held[0])[REFS] == (1 if base is kit.Mapped else 2)
        w = kit.wrap(held[0])
        if base is not kit.Mapped:
            assert (id(w), w.b, w.d) == (address, 1, 2)
        kit.release(held[0])
        del w
        assert live() == 0 and len(held) == 1


def test_del_that_wraps_and_releases():
    for base in KINDS:
        seen = []
        w = make(subclass(base, lambda self: (seen.append(kit.wrap(kit.retain(self)) is self), kit.release(self))), d=2)
        del w
        assert seen == [True] and live() == 0


def test_del_that_assigns_class_moves_one_type_reference():
    for base in KINDS:

        def finalize(self):
            self.__class__ = other

        other = type("other", (base,), {"__slots__": ("a",)})
        cls = type("cls", (base,), {"__slots__": ("a",), "__del__": finalize})
        for dying in cls, base:
            if dying is base:  # __del__ of the native class itself
                base.__del__ = finalize
                other = type("other", (base,), {"__slots__": ()})
            types = cls, base, other
            before = [sys.getrefcount(t) for t in types]
            for _ in range(100):
                w = make(dying, d=1)
                del w
            try:
                assert live() == 0
                assert FREE_THREADED or [sys.getrefcount(t) for t in types] == before, (base, dying)
            finally:
                if dying is base:
                    del base.__del__


def test_wrapper_without_native_object_dies_like_any_other():
    for base in KINDS:
        log = Log()
        cls = subclass(base, lambda self: log.append("del"))
        w = kit.bare(cls)
        w.b, w.d, w.self = log.value("b"), log.value("d"), w
        assert "no native object" in refused(TypeError, kit.look, w)
        r = weakref.ref(w)
        del w
        gc.collect()
        assert log == ["del", "b", "d"] and r() is None
        kit.bare(cls)
        assert log == ["del", "b", "d", "del"]


# ---- classes ----------------------------------------------------------------------


def test_classes_below_one_that_hides_init_subclass_are_owned():
    for base in KINDS:
        deaths = []

        class T(base):
            def __init_subclass__(cls):
                pass

        class U(T):
            __slots__ = ()

        class V(U):
            __slots__ = ()

            def __del__(self):
                deaths.append(type(self))

        s = make(T, d=1)
        s.__class__ = V  # V had no instance yet
        assert type(s) is s.__class__ is V and kit.native_class(V) is base
        if base in KEEPING:
            held, address = kit.retain(s), id(s)
            del s
            assert deaths == []
            s = kit.wrap(held)
            assert (id(s), type(s), s.d) == (address, V, 1) and gc.is_tracked(s)
            kit.release(held)
        del s
        assert deaths == [V] and live() == 0
        assert not kit.own(base) and kit.native_class(int) is int


def test_class_assignment_refuses_another_layout_and_family():
    for base in KINDS:
        w = base()
        others = [b for b in KINDS if b is not base]
        for cls in (subclass(base), subclass(others[0]), others[1], Pure, 5):
            refused(TypeError, setattr, w, "__class__", cls)
        refused(TypeError, delattr, w, "__class__")
        assert type(w) is base


def test_abstract_classes_are_refused():
    for base in KINDS:

        class Abstract(base, metaclass=abc.ABCMeta):
            @abc.abstractmethod
            def missing(self):
                pass

        class Concrete(Abstract):
            def missing(self):
                pass

        assert "missing" in refused(TypeError, Abstract)
        assert live() == 0 and Concrete().missing() is None


def test_classes_that_break_the_contract_are_named():
    assert "HAVE_GC" in refused(SystemError, kit.check, 1, object)
    assert "__dictoffset__" in refused(SystemError, kit.check, 2, object)
    assert "PyType_FromModuleAndSpec" in refused(SystemError, kit.check, 4, object)
    assert isinstance(kit.check(0, object), type)
    assert isinstance(kit.check(0, kit.Preserve), type)
    assert "tp_dealloc" in refused(SystemError, kit.check, 8, kit.Preserve)


def test_subclasses_of_a_derived_native_class_are_owned_too():
    derived = kit.check(0, kit.Preserve)
    log = Log()
    w = make(subclass(derived), a1=log.value("a1"), b=log.value("b"), d=log.value("d"))
    assert kit.native_class(type(w)) is derived
    held, address = kit.retain(w), id(w)
    del w
    w = kit.wrap(held)
    assert id(w) == address and log == []
    kit.release(held)
    del w
    assert log == ["b", "a1", "d", "native"]


check_all(globals())
if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
