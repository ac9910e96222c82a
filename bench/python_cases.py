"""The operations of the suite, from Python: what is prepared, timed and checked.

Names and keys are those of the Go benchmarks, so that one table holds both.
"""

import collections
import gc
import itertools
import weakref

import pyperf
import workload

UNROLL = 10


class Loop:
    """One statement, timed in an unrolled loop.

    prepare(m) returns the names that the statement uses. check(names, n) raises
    AssertionError when n executions did not do what they should have done, and so
    does moved(m, n, by), which is given by how much the counters moved.
    """

    reps = 5
    alone = large = False

    def __init__(self, name, statement, prepare, check=None, moved=None, keys="", weakref=False, extra=None):
        self.extra = extra  # extra(names): more to report, {unit: value}
        self.name, self.keys, self.weakref = name, keys, weakref
        self.statement, self.prepare, self.check, self.moved = statement, prepare, check, moved

    def start(self, m):
        """Names for the statement, and a function that runs it n times UNROLL."""
        names = dict(self.prepare(m), clock=pyperf.perf_counter, repeat=itertools.repeat)
        body = "\n".join([f"        {self.statement}"] * UNROLL)
        arguments = ", ".join(f"{name}={name}" for name in names)
        source = (
            f"def run(n, *, {arguments}):\n"
            f"    start = clock()\n"
            f"    for _ in repeat(None, n):\n{body}\n"
            f"    return clock() - start\n"
        )
        exec(source, names)
        return names, names.pop("run")


class Once:
    """A batch that times itself: run(names) returns (seconds, operations).

    alone: one subject after the other, because what is prepared would be in the way of others.
    large: in a few rounds only, and never counted, because what is prepared takes seconds.
    """

    def __init__(
        self, name, run, prepare, check=None, moved=None, keys="", reps=5, extra=None, alone=False, large=False
    ):
        self.extra, self.alone, self.large = extra, alone, large
        self.name, self.keys, self.weakref = name, keys, False
        self.run, self.prepare, self.reps = run, prepare, reps
        self.check, self.moved = check, moved

    def start(self, m):
        names = self.prepare(m)
        return names, lambda n: self.run(names)


def absent(case, m):
    """Why the operation does not exist for m, "" if it does."""
    if why := m.GUARANTEES.get("lacks", {}).get(case.name):
        return why
    if case.weakref and not workload.weakrefable(m):
        return "its wrappers cannot be weakly referenced"
    unmeasured = getattr(m, "unmeasured", {})  # what a library says of itself
    return unmeasured.get(case.name + case.keys) or unmeasured.get(case.name) or lacking(case, m)


def lacking(case, m):
    """Which method an adapter lacks that the operation needs, "" if none."""
    if not getattr(m, "lacks", None):
        return ""
    try:
        names, run = case.start(m)
        run(1)
    except AttributeError as e:
        if why := m.lacking(e):
            return why
        raise
    return ""


# ---- preparations ---------------------------------------------------------------


def subclass(m):
    class Sub(m.MyClass):
        pass

    return {"Sub": Sub}


def some(objs, replaced):
    def prepare(m):
        return {
            "m": m,
            "kept": [m.MyClass() for _ in range(objs)],
            "indices": workload.replacements(objs, replaced),
        }

    return prepare


def live(m):
    a = m.MyClass()
    return {"MyClass": m.MyClass, "MyClassRef": m.MyClassRef, "a": a, "r": m.MyClassRef(a)}


def alone(m):
    return {"MyClassRef": m.MyClassRef, "a": m.MyClass()}


def dead(m):
    return {"r": m.MyClassRef(m.MyClass())}


def weak_live(m):
    a = m.MyClass()
    return {"a": a, "r": m.MyClassRef(a), "w": weakref.ref(a)}


def weak_dead(m):
    names = weak_live(m)
    del names["a"]
    return names | {"kept": m.GUARANTEES["weakref"]}


def listening(m):
    a = workload.listener(m)
    r = m.MyClassRef(a)
    return {"a": a, "r": r, "overridden": r.emit(3) == 4}


def frozen(objs):
    def prepare(m):
        gc.collect()
        gc.freeze()
        return {"held": workload.hold(m, objs)}

    return prepare


# ---- batches that time themselves -------------------------------------------------


def create_list(n):
    def run(names):
        MyClass = names["m"].MyClass
        start = pyperf.perf_counter()
        made = [MyClass() for _ in itertools.repeat(None, n)]
        del made
        return pyperf.perf_counter() - start, n

    return run


def replace(names):
    MyClass, kept, indices = names["m"].MyClass, names["kept"], names["indices"]
    start = pyperf.perf_counter()
    for i in indices:
        kept[i] = MyClass()
    return pyperf.perf_counter() - start, len(indices)


def first(names, n=1000):
    m = names["m"]
    refs, get = [m.new_native() for _ in range(n)], m.MyClassRef.get
    start = pyperf.perf_counter()
    wrappers = list(map(get, refs))
    took = pyperf.perf_counter() - start
    del wrappers
    return took, n


def last(names, n=1000):
    m = names["m"]
    refs, release = workload.hold(m, n), m.MyClassRef.release
    start = pyperf.perf_counter()
    collections.deque(map(release, refs), maxlen=0)
    return pyperf.perf_counter() - start, n


def keep(n):
    """n objects with an attribute, whose wrappers die while native code holds them."""

    def run(names):
        MyClass, MyClassRef = names["m"].MyClass, names["m"].MyClassRef
        refs = [None] * n
        start = pyperf.perf_counter()
        for i in range(n):
            a = MyClass()
            a.x = i
            refs[i] = MyClassRef(a)
        del a
        took = pyperf.perf_counter() - start
        return took, n

    return run


def collect(names):
    return workload.collect() / 1e9, 1


def contend(threads, total=100_000):
    return lambda names: (workload.contend(names["r"], threads, total) / 1e9, total)


def walk(names):
    ns, visits, kept = workload.walk(names["root"])
    names["walked"] = visits, kept
    return ns / 1e9, 2 * visits


# ---- checks -------------------------------------------------------------------------


def same_number(names, n):
    assert names["r"].get().id() == names["a"].id()


def alive(names, n):
    assert names["w"]() is names["a"]


def upgraded(names, n):
    expected = names["r"].get() if names["kept"] else None
    assert names["w"]() is expected


def heard(names, n):
    calls = n + 1 if names["overridden"] else 0
    assert getattr(names["a"], "total", None) == 3 * calls, "on_event was not called each time"


def walked(names, n):
    visits, kept = names["walked"]
    assert visits == workload.NODES and 0 <= kept <= workload.NODES


def thawed(names, n):
    gc.unfreeze()


def steady(m):
    """Whether a wrapper is the same after any number of deaths."""
    return m.GUARANTEES["identity"] and "I3" not in m.GUARANTEES["breaks"]


def makes(each):
    """Every operation makes and frees so many wrappers."""

    def moved(m, n, by):
        assert by["wrappers_created"] == by["wrappers_freed"] == each * n, by

    return moved


def makes_none_if_kept(m, n, by):
    if m.GUARANTEES["identity"]:
        makes(0)(m, n, by)


def returns(m, n, by):
    """Every operation wraps an object whose wrapper is dead.

    A strategy that keeps its wrappers makes none. For any other, each wrap brings
    the old one back or makes one, which dies; the last may still be a zombie.
    """
    if steady(m):
        return makes(0)(m, n, by)
    created = by["wrappers_created"]
    assert created <= n <= created + by["resurrections"], by
    assert abs(created - by["wrappers_freed"]) <= 1, by


def only_m(m):
    return {"m": m}


CASES = [
    Loop("Create", "MyClass()", lambda m: {"MyClass": m.MyClass}, moved=makes(1)),
    Once("CreateList", create_list(10_000), only_m, moved=makes(1), keys="/objs=10000"),
    Once("CreateList", create_list(100_000), only_m, moved=makes(1), keys="/objs=100000", reps=2),
    Once("Replace", replace, some(5_000, replaced=10_000), moved=makes(1), keys="/objs=5000"),
    Loop("CreateSubclass", "Sub()", subclass, moved=makes(1)),
    Loop("WrapLive", "r.get()", live, same_number, makes_none_if_kept),
    Loop("WrapDead", "r.get()", dead, None, returns),
    Once("WrapFirst", first, only_m),
    Loop("Unwrap", "MyClassRef(a)", live, same_number, makes(0)),
    Loop("Call", "a.id()", live, same_number, makes(0)),
    Loop("CallGo", "a.message()", lambda m: {"a": m.MyClass("a message from Go")}, moved=makes(0)),
    Loop("RetainRelease", "MyClassRef(a).release()", alone, None, makes(0)),
    Once("ReleaseZombie", last, only_m),
    Once("Hold", keep(2_000), only_m, keys="/objs=2000"),
    Once("Hold", keep(200_000), only_m, keys="/objs=200000", reps=1),
    Loop("Weakref", "w()", weak_live, alive, weakref=True, keys="/wrapper=live"),
    Loop("Weakref", "w()", weak_dead, upgraded, weakref=True, keys="/wrapper=dead"),
    Once("GC", collect, frozen(1_000), thawed, keys="/objs=1000", alone=True),
    Once("GC", collect, frozen(100_000), thawed, keys="/objs=100000", reps=2, alone=True),
    Once("GC", collect, frozen(1_000_000), thawed, keys="/objs=1000000", reps=2, alone=True, large=True),
    Once("Threads", contend(1), dead, keys="/threads=1", reps=2),
    Once("Threads", contend(2), dead, keys="/threads=2", reps=2),
    Once("Threads", contend(4), dead, keys="/threads=4", reps=2),
    Once(
        "Tree",
        walk,
        lambda m: {"root": workload.tree(m)},
        walked,
        extra=lambda names: {"attributes": int(names["walked"][1] == workload.NODES)},
    ),
    Loop("Callbacks", "r.emit(3)", listening, heard, extra=lambda names: {"override": int(names["overridden"])}),
]
