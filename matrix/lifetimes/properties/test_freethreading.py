"""FT: what if there is no GIL?"""

import gc
import sys
import threading
import time
import weakref

from lifetimes.harness import FREE_THREADED, QUICK, program, prop
from lifetimes.properties import test_identity, test_threads

ABSENT = "" if FREE_THREADED and not sys._is_gil_enabled() else "needs a free-threaded CPython, without the GIL"


def without_gil():
    assert not sys._is_gil_enabled(), "the GIL is on"


class Meeting:
    """A barrier without a lock, so that threads leave it within less than a microsecond of each other."""

    def __init__(self, n):
        self.arrived, self.broken = [0] * n, False

    def meet(self, i):
        self.arrived[i] = mine = self.arrived[i] + 1
        spins = 0
        while min(self.arrived) < mine:
            if self.broken:
                raise threading.BrokenBarrierError
            spins += 1
            if spins > 100:  # another thread has the processor
                time.sleep(0)


def race(rounds, make, first, *others, check=lambda thing: None):
    """Run first and others at once, each in a thread of its own, on the list that make() returns; then check(list). rounds times.

    The list is emptied after check. Raises what any of them raised.
    """
    meeting, thing, errors = Meeting(len(others) + 1), [], []

    def guarded(steps):
        try:
            for _ in range(rounds):
                steps()
        except threading.BrokenBarrierError:
            pass
        except BaseException as e:
            errors.append(e)
            meeting.broken = True

    def worker(i, work):
        def steps():
            meeting.meet(i)
            work(thing)
            meeting.meet(i)

        guarded(steps)

    def lead():
        thing[:] = make()
        meeting.meet(0)
        first(thing)
        meeting.meet(0)
        check(thing)
        thing.clear()

    threads = [threading.Thread(target=worker, args=(i, work)) for i, work in enumerate(others, 1)]
    for t in threads:
        t.start()
    guarded(lead)
    for t in threads:
        t.join()
    thing.clear()
    if errors:
        raise errors[0]
    without_gil()


def during(work, *others):
    """Run work() while each of others is called repeatedly in a thread of its own."""
    done, errors = threading.Event(), []

    def again(other):
        try:
            while not done.is_set():
                other()
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=again, args=(o,)) for o in others]
    for t in threads:
        t.start()
    try:
        work()
    finally:
        done.set()
        for t in threads:
            t.join()
    if errors:
        raise errors[0]
    without_gil()


def wait_for_goroutines(s, alive):
    """Wait for running releases until at most that many objects are alive."""
    for _ in range(400):
        s.settle()
        gc.collect()
        if s.live_objects() <= alive:
            break
        time.sleep(0.05)


def zombie(s, cls=None):
    """[MyClassRef, weak reference, number] of an object with x == 1, which Python has not dropped yet, and that."""
    a = (cls or s.MyClass)()
    a.x = 1
    return [s.MyClassRef(a), weakref.ref(a), a.id(), a]


@prop("FT1", "import keeps the GIL off", child=True, absent=ABSENT)
def test_importing_does_not_turn_the_gil_on(s):
    """Importing the module leaves the GIL off; a strategy that needs it is then refused with a clear error, and works with it."""
    use = f"{s.afresh}\nprint(sys._is_gil_enabled())"
    if s.unloadable:
        status, out, err = program(None, use, options=())
        assert status == 1 and "RuntimeError" in err and f"{s.name} needs the GIL" in err and "-X gil=1" in err, err
        status, out, err = program(None, use, options=("-X", "gil=1"))
        assert (status, out.strip(), err) == (0, "True", ""), f"with the GIL: exit status {status}: {out}{err}"
        return
    status, out, err = program(None, use, options=())
    assert (status, out.strip(), err) == (0, "False", ""), f"exit status {status}: {out}{err}"
    without_gil()


@prop("FT2", "threads without the GIL", child=True, absent=ABSENT)
def test_threads_without_the_gil(s):
    """T1, T2 and T4 hold with the GIL off, and I6 where one wrapper at a time is promised."""
    without_gil()
    if s.expected("I6")[0] == "holds":
        test_identity.test_a_first_wrap_raced_by_threads_gives_one_wrapper(s)
    test_threads.test_last_python_reference_dropped_while_another_thread_wraps(s)
    test_threads.test_native_release_races_a_weakref_upgrade(s)
    test_threads.test_goroutines_and_threads_wrap_and_release_at_once(s)
    without_gil()


@prop("FT3", "a zombie outlives its thread", child=True, absent=ABSENT)
def test_a_zombie_of_a_thread_that_has_exited_is_revived_by_another(s):
    """With the GIL off, another thread resurrects intact a wrapper whose thread has exited after it made and dropped it."""
    without_gil()
    for _ in range(100):
        found = []

        def make():
            a = s.MyClass()
            a.x = 1
            found.append((s.MyClassRef(a), weakref.ref(a)))

        def revive():
            r, w = found[0]
            b = r.get()
            assert b.x == 1 and w() is b, "another object came back"
            found.append(b)

        for work in (make, revive):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        assert len(found) == 2, "another object came back"
        r, w = found[0]
        assert found[1] is r.get()
        found.clear()
        r.release()
        del r
        s.settle()
        assert w() is None
    without_gil()


@prop("FT4", "two threads, one wrapper", child=True, absent=ABSENT)
def test_two_threads_that_wrap_a_new_object_at_once_get_one_wrapper(s):
    """Two threads that wrap one native-born object for the first time at once get one wrapper, every time."""
    without_gil()

    def make():
        return [s.new_native() for _ in range(100)], [], []

    def wrap(i):
        def work(thing):
            thing[i].extend([r.get() for r in thing[0]])

        return work

    def check(thing):
        for r, b, c in zip(*thing):
            assert b is c, "two wrappers for one native object"
            b.x = 1
            assert r.get() is b

    race(100 if QUICK else 1000, make, wrap(1), wrap(2), check=check)


@prop("FT5", "no gap for weak references", child=True, absent=ABSENT, rare=True)
def test_a_weak_reference_is_never_empty_while_native_code_holds_the_object(s):
    """A weak reference answers at every moment while native code holds the object, also while another thread drops the wrapper."""
    without_gil()

    current = [(None, lambda: 0, [])]
    seconds = 10 if s.expected("FT5")[0] == "breaks" else 0  # to see it, as the moment is short

    def drop():
        start, n = time.monotonic(), 0
        while n < (5000 if QUICK else 20_000) or time.monotonic() - start < seconds:
            n += 1
            r, w, _, a = zombie(s)
            current[0] = r, w, [s.MyClassRef(a) for _ in range(6)]
            w()
            del a  # the moment
            if len(current) > 1:
                break

    def upgrade():
        r, w, more = current[0]  # r: native code holds the object
        while more:
            if w() is None:
                current.append("a weak reference was empty though native code holds the object")
            more.pop().release()  # keeps other threads from the object for a moment

    during(drop, upgrade)
    current[0] = None
    assert len(current) == 1, current[1]


@prop("FT6", "weak references answer again", child=True, absent=ABSENT)
def test_a_weak_reference_gives_the_one_wrapper_or_for_a_moment_none(s):
    """While threads drop and wrap a held object, a weak reference answers with its one wrapper, intact, or with None for a moment; afterwards it answers again."""
    without_gil()

    def drop(thing):
        thing[3] = None
        thing[0].get()

    def upgrade(thing):
        r, w, number, *_ = thing
        for _ in range(8):
            b = w()
            assert b is None or b.x == 1 and b.id() == number, "another wrapper, or one that is not intact"

    def check(thing):
        r, w, number, _ = thing
        assert w() is not None, "the weak reference stays empty though native code holds the object"
        assert r.get() is w() and w().x == 1

    race(1000 if QUICK else 4000, lambda: zombie(s), drop, upgrade, check=check)


@prop("FT7", "last release races all", child=True, absent=ABSENT)
def test_the_last_native_release_races_a_wrap_and_a_weak_upgrade(s):
    """The last native release races a wrap and a weak reference's upgrade: each gets an intact object, ReferenceError or None, and nothing leaks."""
    without_gil()
    each = 50

    def make():
        zombies = [zombie(s)[:3] for _ in range(each)]
        return [*zip(*zombies), [None] * each, [None] * each]

    def release(thing):
        for i, r in enumerate(thing[0]):
            r.release() if i % 8 else r.release_from_goroutine()

    def wrap(thing):
        for i, r in enumerate(thing[0]):
            try:
                thing[3][i] = r.get()
            except ReferenceError as e:
                e.__traceback__ = None

    def upgrade(thing):
        for i, w in enumerate(thing[1]):
            b = w()
            if b is not None:
                assert b.x == 1, "a weak reference gave an emptied object"
                thing[4][i] = b

    def check(thing):
        refs, weak, numbers, got, upgraded = thing
        for number, b, c in zip(numbers, got, upgraded):
            assert b is None or b.id() == number, "another object"
            assert c is None or c.id() == number, "a weak reference gave another object"
            assert b is None or c is None or b is c or s.expected("W1")[0] == "breaks", "two wrappers"
        b = c = None
        got.clear()
        upgraded.clear()
        s.settle()
        assert not any(w() for w in weak), "a wrapper is left over"

    race(60 if QUICK else 600, make, wrap, release, upgrade, check=check)


@prop("FT8", "made here, dropped there", child=True, absent=ABSENT)
def test_wrappers_made_by_threads_that_end_and_dropped_by_others(s):
    """Wrappers that one thread makes and another drops, after the maker has ended or before, die once each, with __del__."""
    without_gil()
    deaths = []

    class Sub(s.MyClass):
        def __del__(self):
            deaths.append(self.id())

    rounds, each = (5, 100) if QUICK else (20, 200)
    alive, made = s.live_objects(), []
    for _ in range(rounds):
        passed = [[], []]

        def make(mine):
            for _ in range(each):
                a = Sub()
                made.append(a.id())
                mine.append((a, s.MyClassRef(a)))

        def take(theirs):
            for _ in range(each // 2):
                while not theirs:
                    time.sleep(0)
                a, r = theirs.pop()
                del a
                assert r.get().id()
                del r

        threads = [threading.Thread(target=f, args=(p,)) for p in passed for f in (make, take)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        passed.clear()
    del threads, make, take
    s.settle()
    gc.collect()  # what a thread has dropped may wait for the one that made it
    s.settle()
    assert s.live_objects() == alive, "native objects are left"
    if s.expected("F2")[0] == "holds":
        assert len(deaths) == len(made) and set(deaths) == set(made), "__del__ did not run once for each"
    assert set(deaths) == set(made)
    without_gil()


@prop("FT9", "gc stops the world", child=True, absent=ABSENT)
def test_no_live_object_is_cleared_while_gc_stops_the_world(s):
    """Collections from several threads, while goroutines take and release references, clear no object that Python has."""
    without_gil()
    times = 3 if QUICK else 10

    class Sub(s.MyClass):
        __slots__ = ("slot",)

    def work():
        for _ in range(times):
            objects = [Sub() for _ in range(100)]
            refs = [s.MyClassRef(a) for a in objects]
            weak = [weakref.ref(a) for a in objects]
            for i, a in enumerate(objects):
                a.i, a.slot, a.me = i, [i], a
            # All that refers to them but the one list is cycles and native code.
            extra = [s.MyClassRef(a) for a in objects for _ in range(3)]
            s.release_from_goroutines(extra, 4, False)
            refs[0].wrap_from_goroutines(3, 50)
            s.release_from_goroutines([s.new_native() for _ in range(50)], 2, False)
            for i, a in enumerate(objects):
                assert (a.i, a.slot, a.me) == (i, [i], a), "an object was cleared that Python has"
                assert weak[i]() is a and refs[i].get().id() == a.id()
                a.me = None
            for r in refs[::2]:
                r.release_from_goroutine()

    alive = s.live_objects()
    during(work, gc.collect, gc.collect)
    wait_for_goroutines(s, alive)


@prop("FT10", "gc keeps zombies", child=True, absent=ABSENT)
def test_no_zombie_is_cleared_while_gc_stops_the_world(s):
    """Collections from several threads, while goroutines take and release references, clear no zombie that refers to itself."""
    without_gil()
    times = 3 if QUICK else 10

    def work():
        for _ in range(times):
            refs, weak = [], []
            for i in range(100):
                a = s.MyClass()
                a.i, a.me = i, a
                weak.append(weakref.ref(a))
                refs.append([s.MyClassRef(a) for _ in range(3)])
            del a
            s.release_from_goroutines([mine.pop() for mine in refs], 4, False)
            refs[0][0].wrap_from_goroutines(3, 50)
            for i, (r, _) in enumerate(refs):
                b = r.get()
                assert getattr(b, "i", None) == i and b.me is b, "a zombie was cleared"
                assert weak[i]() is b, "a zombie lost its weak references"
                b.me = None
                del b
            s.release_from_goroutines([r for mine in refs for r in mine], 4, False)

    alive = s.live_objects()
    during(work, gc.collect, gc.collect)
    wait_for_goroutines(s, alive)


@prop("FT11", "one zombie, many writers", child=True, absent=ABSENT)
def test_attributes_of_one_zombie_written_by_several_threads(s):
    """Attributes that several threads write on one zombie, each through a wrap of its own, are all there."""
    without_gil()
    times = 500 if QUICK else 3000
    a = s.MyClass()
    r = s.MyClassRef(a)
    del a

    def write(name):
        def work():
            for n in range(times):
                b = r.get()
                assert getattr(b, name, None) == (n - 1 if n else None), "an attribute is lost"
                setattr(b, name, n)
                del b

        return work

    for _ in range(3):
        test_threads.together(*[write(f"x{i}") for i in range(4)])
        assert dict(vars(r.get())) == {f"x{i}": times - 1 for i in range(4)}
        vars(r.get()).clear()
    without_gil()


@prop("FT12", "stale while in use", child=True, absent=ABSENT)
def test_what_is_released_while_others_use_it(s):
    """A MyClassRef that is released, or a wrapper that is closed, while other threads use it answers rightly or raises ReferenceError."""
    without_gil()
    closes = hasattr(s.MyClass, "close")

    def make():
        a = s.MyClass("text")
        child = s.MyClass()
        a.append(child)
        return [s.MyClassRef(a), a.id(), a if closes else None]

    def attempt(f, *results):
        try:
            found = f()
        except ReferenceError as e:
            e.__traceback__ = None
            return False
        assert found in results, f"{found}, not one of {results}"
        return True

    def use(thing):
        r, number, a = thing
        while attempt(lambda: r.get().id(), number) or a and attempt(a.id, number):
            attempt(lambda: r.get().message(), "text")
            attempt(lambda: r.emit(7), 7)
            attempt(lambda: len(r.get().children()), 1)
            attempt(lambda: s.MyClassRef(r.get()).get().id(), number)
            repr(r)
            if a:
                attempt(a.message, "text")
                attempt(lambda: len(a.children()), 1)
                attempt(lambda: s.MyClassRef(a).get().id(), number)
                repr(a), hash(a)

    def release(thing):
        r, number, a = thing
        r.get()
        if a:
            a.close()
        r.release()

    race(300 if QUICK else 1500, make, release, use, use)


@prop("FT13", "set_callback races emit", child=True, absent=ABSENT)
def test_callbacks_set_while_events_are_delivered(s):
    """While threads set and remove callbacks and others emit events, a callback is called or not, never after it is freed, and none leaks."""
    without_gil()
    times, made = 3000 if QUICK else 30_000, []

    def make(k):
        def callback(n):
            return n + 1000 * k

        made.append(weakref.ref(callback))
        return callback

    a = s.MyClass()
    r = s.MyClassRef(a)

    def change(*mine):
        for n in range(times):
            a.set_callback(mine[n % len(mine)])

    def emit():
        for n in range(times // 5):
            assert r.emit(n % 1000) % 1000 == n % 1000, "another answer"

    for _ in range(3):
        f, g, h = make(1), make(2), make(3)
        before = [sys.getrefcount(x) for x in (f, g, h)]
        test_threads.together(lambda: change(f, None, g), lambda: change(h, f), emit)
        a.set_callback(None)
        assert r.emit(5) == 5
        after = [sys.getrefcount(x) for x in (f, g, h)]
        assert after == before, f"references to callbacks were {before}, and are {after}"
        del f, g, h
        assert not [w for w in made if w() is not None], "a callback is left over"
    without_gil()


@prop("FT14", "edges raced", child=True, absent=ABSENT)
def test_edges_of_one_object_changed_by_several_threads(s):
    """append, remove and children of one object by several threads at once: no edge is lost, and none is left."""
    without_gil()
    times = 100 if QUICK else 1000
    alive = s.live_objects()
    parent = s.MyClass()

    def mine(keep):
        def work():
            for _ in range(times):
                child = s.MyClass()
                parent.append(child)
                assert child.id() in [c.id() for c in parent.children()], "an edge is lost"
                parent.remove(child)
                assert child.id() not in [c.id() for c in parent.children()], "an edge is left"
            child = s.MyClass()
            parent.append(child)
            keep.append(child.id())

        return work

    def shared():
        for _ in range(times):
            parent.append(one)
            try:
                parent.remove(one)
                parent.remove(one)
            except ValueError as e:
                e.__traceback__ = None

    kept, one = [], s.MyClass()
    test_threads.together(mine(kept), mine(kept), shared, shared)
    for _ in range(10):
        try:
            parent.remove(one)
        except ValueError as e:
            e.__traceback__ = None
    assert sorted(c.id() for c in parent.children()) == sorted(kept)
    del one
    s.settle()
    gc.collect()
    assert s.live_objects() == alive + 3
    del parent
    s.settle()
    gc.collect()
    s.settle()
    assert s.live_objects() == alive
    without_gil()


@prop("FT15", "__class__ raced", child=True, absent=ABSENT)
def test_class_assigned_by_several_threads(s):
    """__class__ of one held object assigned by several threads: it is of one of the classes at any time, and keeps the last."""
    without_gil()

    class A(s.MyClass):
        def on_event(self, n):
            return n + 1

    class B(s.MyClass):
        def on_event(self, n):
            return n + 2

    one = s.expected("I1")[0] == "holds"

    def make():
        a = A()
        a.x = 1
        return [s.MyClassRef(a), a]

    def assign(cls):
        def work(thing):
            r, a = thing
            for _ in range(3):
                a.__class__ = cls
                assert type(a) in (A, B) and a.on_event(1) in (2, 3) and a.x == 1
                assert r.emit(1) in ((2, 3) if one else (1,))

        return work

    def use(thing):
        r, a = thing
        for _ in range(5):
            assert type(r.get()) in (A, B, s.MyClass)
            assert r.get().on_event(5) in ((6, 7) if one else (5,))

    def check(thing):
        r, a = thing
        a.__class__ = B
        thing[1] = a = None
        if s.expected("S4")[0] == "holds":
            assert type(r.get()) is B, "the class is lost"

    race(200 if QUICK else 1000, make, assign(A), assign(B), use, check=check)


@prop("FT16", "first instances of a class", child=True, absent=ABSENT)
def test_the_first_instances_of_a_class_made_at_once(s):
    """Threads that make the first instances of a new Python subclass at once get intact ones, which native code keeps like any other."""
    without_gil()

    def make():
        base = type("Base", (s.MyClass,), {"__slots__": ("slot",)})
        return [type("Sub", (base,), {"__del__": lambda self: None}), None, None, None]

    def create(i):
        def work(thing):
            a = thing[0]()
            a.slot, a.x = [i], [i]
            thing[i] = s.MyClassRef(a)

        return work

    def check(thing):
        cls, *refs = thing
        for i, r in enumerate(refs, 1):
            b = r.get()
            assert (type(b), getattr(b, "slot", None), getattr(b, "x", None)) == (cls, [i], [i]), "it is not intact"

    race(100 if QUICK else 500, make, create(1), create(2), create(3), check=check)


@prop("FT17", "first use by several threads", child=True, absent=ABSENT)
def test_the_module_first_used_by_several_threads(s):
    """Several threads that use the module for the first time at once find one module, and its classes."""
    source = f"""
import threading
from lifetimes.subject import load
ready, got, wrong = threading.Barrier(8), [], []
def use():
    ready.wait()
    try:
        m = load({s.spec!r})
        a = m.MyClass()
        a.x = 1
        r = m.MyClassRef(a)
        assert r.get().id() == a.id() and m.new_native().get().id() > 0
        got.append((m.MyClass, m.MyClassRef))
    except BaseException as e:
        wrong.append(repr(e))
crew = [threading.Thread(target=use) for _ in range(8)]
for t in crew: t.start()
for t in crew: t.join()
print(len(got), len(set(got)), wrong, sys._is_gil_enabled())
"""
    for _ in range(2 if QUICK else 10):
        status, out, err = program(None, source, options=())
        assert (status, out.strip(), err) == (0, "8 1 [] False", ""), f"exit status {status}: {out}{err}"
    without_gil()


@prop("FT18", "dropped elsewhere, then gc", child=True, absent=ABSENT)
def test_gc_finds_a_container_that_another_thread_has_dropped(s):
    """A wrapper that native code holds survives, with __del__ not run, when gc frees a container of it that another thread than its maker dropped."""
    without_gil()
    deaths, box, made, done = [], [], threading.Event(), threading.Event()

    class Sub(s.MyClass):
        def __del__(self):
            deaths.append(self.id())

    a = Sub()
    r, w = s.MyClassRef(a), weakref.ref(a)

    def make():
        box.append((box.pop(),))
        made.set()
        done.wait()  # what others drop of this thread's waits, unless gc comes first

    box.append(a)
    del a
    maker = threading.Thread(target=make)
    maker.start()
    made.wait()
    try:
        box.clear()
        gc.collect()
        assert not deaths, "gc ran __del__ of an object that native code holds"
        assert w() is not None and w() is r.get(), "gc cleared the weak reference of an object that native code holds"
    finally:
        done.set()
        maker.join()
    without_gil()
