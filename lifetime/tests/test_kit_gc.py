"""The kit's promises about gc, long chains, the trashcan and failed allocations. See test_kit.py."""

import gc
import sys
import weakref

from kit_helpers import (
    FREE_THREADED,
    KEEPING,
    KINDS,
    NATIVE_OWNS,
    STATE,
    UNTRACKED,
    Log,
    check_all,
    kit,
    live,
    main,
    make,
    subclass,
)

try:
    import _testcapi
except ImportError:
    _testcapi = None


# ---- gc ---------------------------------------------------------------------------


def test_gc_sees_type_dict_and_slots_of_all_levels():
    for base in KINDS:
        cls, values = subclass(base), [[i] for i in range(4)]
        w = make(cls, a1=values[0], a2=values[1], b=values[2], d=values[3])
        seen = gc.get_referents(w)
        for value in (*values[:3], w.__dict__, cls):
            assert sum(value is s for s in seen) == 1, (base, value)
        held = kit.retain(w)
        assert (gc.get_referents(w) == []) == (base is kit.Preserve)
        kit.release(held)


def test_cycles_are_collected_unless_native_code_holds_them():
    for base in KINDS:
        for name in "d", "a1", "b":
            log = Log()
            cls = subclass(base, lambda self: log.append("del"))
            w, v = cls(), cls()
            setattr(w, name, [v])
            setattr(v, name, {1: w})
            w.a2, v.a2 = log.value("w"), log.value("v")
            held, r = kit.retain(w), weakref.ref(v)
            del w, v
            gc.collect()
            if base in KEEPING:
                assert log == [] and live() == 2
                w = kit.wrap(held)
                (v,) = getattr(w, name)
                assert getattr(v, name) == {1: w}
                del w, v
            kit.release(held)
            gc.collect()
            assert sorted(log) == ["del", "del", "native", "native", "v", "w"] and live() == 0 and r() is None


def test_clear_leaves_what_native_code_holds():
    w = make(subclass(kit.Preserve), a1=1, b=2, d=3)
    held = kit.retain(w)
    kit.clear(w)
    assert (w.a1, w.b, w.d) == (1, 2, 3)
    kit.release(held)
    kit.clear(w)
    assert not any(hasattr(w, name) for name in ("a1", "b", "d"))


def test_a_zombie_that_is_part_of_no_cycle_is_not_tracked():
    def attributes(w):
        w.d = 1
        return not gc.is_tracked(w.__dict__)  # from 3.14 on every dict is tracked

    def list_attribute(w):
        w.d = []
        return False

    kept = []

    def weak_reference(w):
        kept.append(weakref.ref(w))
        return False

    def shared_dict(w):
        kept.append(w.__dict__)
        return False

    for base, prepare, leaf in (
        (kit.Preserve, lambda w: True, True),
        (kit.Preserve, attributes, True),
        (kit.Preserve, list_attribute, False),
        (kit.Preserve, weak_reference, False),
        (kit.Preserve, shared_dict, False),
        (subclass(kit.Preserve), lambda w: True, False),
    ):
        for back in False, True:
            w = base()
            leaf = prepare(w) and leaf and not FREE_THREADED
            held = kit.retain(w)
            del w
            assert kit.look(held)[STATE] == NATIVE_OWNS + UNTRACKED * leaf, prepare
            gc.collect()
            if back:
                w = kit.wrap(held)
                assert gc.is_tracked(w) and kit.look(held)[STATE] == NATIVE_OWNS
                w.d = w
                del w
            kit.release(held)
            kept.clear()
            gc.collect()
            assert live() == 0, prepare


def test_cycles_through_a_holder_are_collected_unless_held_unseen():
    for base in KEEPING:
        for name in "d", "b":
            w = subclass(base)()
            held = kit.retain(w)
            setattr(w, name, kit.Holder(w))
            del w
            gc.collect()
            assert live() == 1
            w = kit.wrap(held)
            holder, number = getattr(w, name), sys.getrefcount(w)
            assert kit.look(holder_of(w, name))[:3] == (3, base is kit.Preserve, 1)
            del holder
            kit.release(held)
            assert sys.getrefcount(w) <= number
            del w
            gc.collect()
            assert live() == 0, base


def holder_of(w, name):
    assert type(getattr(w, name)) is kit.Holder
    return w


def test_cycle_of_a_wrapper_with_itself_and_its_holder():
    for base in KEEPING:
        w = subclass(base)()
        w.d, w.b, r = kit.Holder(w), w, weakref.ref(w)
        del w
        gc.collect()
        # Preserve keeps it: its own reference to itself prevents the flip, and before the flip
        # the holder's native reference has no Python reference beside it.
        assert live() == (base is kit.Preserve)
        if r():
            del r().b
        gc.collect()
        assert live() == 0


def test_two_holders_and_gc():
    for base in KEEPING:
        w = subclass(base)()
        w.d = outside = kit.Holder(w)
        w.b, r = kit.Holder(w), weakref.ref(w)
        del w
        gc.collect()
        assert live() == 1
        del outside
        gc.collect()
        # Preserve's zombie has one reference, which gc must not count for two holders.
        assert live() == (base is kit.Preserve)
        if r():
            del r().b
        gc.collect()
        assert live() == 0


def test_toggle_keeps_one_python_reference_a_holder():
    w = kit.Toggle()
    alone = sys.getrefcount(w)
    held = kit.retain(w)
    for n in range(3):
        holders = [kit.Holder(w) for _ in range(n)]
        assert sys.getrefcount(w) == alone + max(n, 1)
        del holders
    again = kit.retain(w)
    assert sys.getrefcount(w) == alone + 1
    kit.release(again)
    kit.release(held)
    assert sys.getrefcount(w) == alone
    held = kit.born(kit.Toggle)
    holders = [kit.Holder(held) for _ in range(3)]  # noqa: F841
    assert sys.getrefcount(kit.wrap(held)) == sys.getrefcount(object()) + 3
    kit.release(held)


def test_wrapping_never_collects():
    phases, threshold = [], gc.get_threshold()

    def note(phase, info):
        if kit.state()[2]:
            phases.append(phase)

    gc.callbacks.append(note)
    try:
        for enabled in True, False:
            (gc.enable if enabled else gc.disable)()
            for base in KINDS:
                for _ in range(50):
                    held = kit.born(base)
                    gc.set_threshold(1)
                    w = kit.wrap(held)
                    gc.set_threshold(*threshold)
                    assert gc.isenabled() == enabled and gc.is_tracked(w)
                    del w
                    kit.release(held)
            assert kit.suspended() == (enabled and sys.version_info >= (3, 12)) and gc.isenabled() == enabled
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*threshold)
        gc.enable()
    assert phases == []


# ---- chains ---------------------------------------------------------------------


def test_long_chains_die_without_overflow():
    for base in KINDS:
        for name in "d", "b":
            for finalize in None, lambda self: deaths.append(1):
                deaths, w, cls = [], None, subclass(base, finalize)
                for _ in range(200_000):
                    w = make(cls, **{name: w})
                assert live() == 200_000
                del w
                assert live() == 0 and len(deaths) == (200_000 if finalize else 0)


def test_long_chains_die_whose_del_drops_the_next():
    for base in kit.Preserve, kit.Mapped:  # the others' __del__ is CPython's to call
        for name in "d", "b":
            deaths, refs, w, n = [], [], None, 20_000

            def finalize(self):
                deaths.append(self.a1)
                delattr(self, name)
                if self.a1 % 100 == 0:  # what waits for its __del__ is whole
                    later = refs[self.a1 - 60]()
                    assert later is None or later.a1 == self.a1 - 60 and kit.wrap(later) is later

            cls = subclass(base, finalize)
            for i in range(n):
                w = make(cls, a1=i, **{name: w})
                refs.append(weakref.ref(w))
            del w
            assert deaths == list(range(n))[::-1] and live() == 0


# ---- the trashcan -----------------------------------------------------------------


class Last:
    def __init__(self, call):
        self.call = call

    def __del__(self):
        self.call()


def nest(first, depth, inner):
    for _ in range(depth):
        inner = (inner,)
    return first, inner  # CPython destroys the inner one first, and puts it off if it is deep


def put_off(depth):
    order = []
    nest(Last(lambda: order.append(0)), depth, Last(lambda: order.append(1)))
    return order == [0, 1]


def depths():
    """Where the trashcan begins: 50 up to 3.12; thousands in 3.13; by the stack from 3.14 on."""
    low, high = 1, 20_000
    if not put_off(high):
        return range(40, 57)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if put_off(middle) else (middle, high)
    return [*range(40, 57), *range(high - 16, high + 9)]


def test_wrapper_in_the_trashcan_is_wrapped_as_itself_or_not_at_all():
    for base in KINDS:
        for how in "stores", "reads", "no __del__":
            for depth in depths():
                stored, seen, got = [], [], []

                def finalize(self):
                    seen.append((self.tag, kit.look(self)[STATE]))
                    if how == "stores":
                        stored.append(self)

                w = make(subclass(base, None if how == "no __del__" else finalize), tag="mine")
                w.b = w.a1 = [1]
                held, r = kit.retain(w), weakref.ref(w)
                x = nest(Last(lambda: got.append(kit.wrap(held))), depth, w)
                del w
                del x
                (w,) = got
                got.clear()
                assert kit.wrap(held) is w and kit.look(w)[4]
                if stored or base in KEEPING:
                    assert w is r() and w.tag == "mine" and w.b == [1]
                    assert all(w is s for s in stored)
                else:
                    assert w is r() or (type(w) is base and r() is None)
                assert seen in ([], [("mine", 0)])
                kit.release(held)
                del w
                stored.clear()
                assert live() == 0, (base, how, depth)


def test_weak_reference_to_a_wrapper_in_the_trashcan():
    for base in KINDS:
        for finalize in None, lambda self: None:
            for depth in depths():
                got = []
                w = make(subclass(base, finalize), d=[1])
                r = weakref.ref(w)
                x = nest(Last(lambda: got.append(r())), depth, w)
                del w
                del x
                assert got[0] is None or got[0].d == [1]
                del got
                assert live() == 0


def test_del_that_a_class_gets_while_its_instance_waits_in_the_trashcan():
    for base in KINDS:
        for depth in depths():
            stored, got = [], []
            cls = subclass(base)

            def call():
                got.append(kit.wrap(held))
                cls.__del__ = lambda self: stored.append(self)

            w = cls()
            held = kit.retain(w)
            x = nest(Last(call), depth, w)
            del w
            del x
            assert all(s is got[0] for s in stored), (base, depth)
            kit.release(held)
            got.clear()
            stored.clear()
            assert live() == 0


def test_wrapper_put_off_before_its_dealloc():
    for base in KINDS:
        n = 300_000 if sys.version_info >= (3, 14) else 30_000

        class Sub(base):
            __slots__ = ("number",)

        class Leaf:
            __slots__ = ()

            def __del__(self):
                i = todo.pop()
                try:
                    w = kit.wrap(handles[i])
                except RecursionError:
                    refused.append(i)
                else:
                    assert w.number == i if type(w) is Sub else base is kit.Mapped

        handles, todo, refused, tree = [], list(range(n)), [], []
        for i in range(n):
            s = Sub()
            s.number = i
            handles.append(kit.retain(s))
            tree = [tree, Leaf(), s]
        del s
        del tree
        assert todo == [] and (not refused or sys.version_info >= (3, 14))
        for i, held in enumerate(handles):
            w = kit.wrap(held)
            assert w.number == i if type(w) is Sub else base is kit.Mapped
            del w
            kit.release(held)
        assert live() == 0


# ---- failed allocations ------------------------------------------------------------


def test_want_of_memory_costs_nothing():
    if not hasattr(_testcapi, "set_nomemory"):
        return "no _testcapi.set_nomemory"
    fail, restore = _testcapi.set_nomemory, _testcapi.remove_mem_hooks
    for base in KINDS:
        cls, outcomes = subclass(base), set()
        for call in kit.wrap, lambda held: cls():
            for n in range(6):
                held = kit.born(base)
                w = None
                fail(n, n + 1)
                try:
                    w = call(held)
                except MemoryError:
                    pass
                finally:
                    restore()
                outcomes.add((call is kit.wrap, w is None))
                assert w is not None or kit.look(held) == (1, 0, 0, 0, False)
                del w
                w = kit.wrap(held)
                kit.release(held)
                del w
                assert live() == 0
        assert {(True, True), (True, False), (False, True), (False, False)} == outcomes


check_all(globals())
if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
