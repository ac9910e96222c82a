"""T: what if two threads do it at once?"""

import copy
import gc
import sys
import time
import weakref

from lifetimes.harness import QUICK, prop, resident, restoring_switch_interval, together


@prop("T1", "last drop races a wrap", child=True)
@restoring_switch_interval
def test_last_python_reference_dropped_while_another_thread_wraps(s):
    """One thread drops the last Python reference while another wraps: both get an intact object."""
    sys.setswitchinterval(1e-6)
    for _ in range(15 if QUICK else 100):
        a = s.MyClass()
        number = a.id()
        r = s.MyClassRef(a)
        del a

        def churn():
            for _ in range(200):
                b = r.get()
                assert b.id() == number
                b.x = 1
                del b

        together(churn, churn, churn)
        assert r.get().id() == number
        r.release()


@prop("T2", "native release races a weakref", child=True)
@restoring_switch_interval
def test_native_release_races_a_weakref_upgrade(s):
    """Native code releases on a goroutine while a thread upgrades a weak reference: the thread gets an intact object or None."""
    sys.setswitchinterval(1e-6)
    got = []
    for _ in range(60 if QUICK else 500):
        a = s.MyClass()
        a.x, number = 1, a.id()
        r, w = s.MyClassRef(a), weakref.ref(a)
        del a

        def upgrade():
            for _ in range(20):
                b = w()
                if b is not None:
                    assert (b.id(), b.x) == (number, 1)
                    got.append(s.MyClassRef(b))
                del b

        together(upgrade, r.release_from_goroutine, upgrade)
        for h in got:
            assert h.get().id() == number
            h.release_from_goroutine()
        got.clear()
        s.settle()
        assert w() is None


@prop("T3", "release under a lock __del__ wants", child=True)
@restoring_switch_interval
def test_release_on_a_goroutine_that_holds_a_lock_which_del_wants(s):
    """A goroutine that holds a native lock releases the last reference while __del__ takes the same lock: no deadlock."""
    sys.setswitchinterval(1e-6)
    deaths = []

    class Sub(s.MyClass):
        def __del__(self):
            s.synchronize()
            deaths.append(self.id())

    times = 100 if QUICK else 500

    def native():
        for _ in range(times):
            r = s.MyClassRef(Sub())
            r.release_from_goroutine(locked=True)

    def python():
        for _ in range(times):
            Sub()
            s.synchronize()

    together(native, python, native)
    s.settle()
    assert len(deaths) == 3 * times


@prop("T4", "goroutines and threads at once", child=True)
@restoring_switch_interval
def test_goroutines_and_threads_wrap_and_release_at_once(s):
    """Goroutines and Python threads wrap, drop, hold and release the same objects at once: nothing is lost, and totals balance."""
    sys.setswitchinterval(1e-6)
    times = 100 if QUICK else 400
    for _ in range(3):
        a = s.MyClass()
        number = a.id()
        r = s.MyClassRef(a)
        del a

        def python():
            for i in range(times):
                b = r.get()
                assert b.id() == number
                h = s.MyClassRef(b)
                b.x = [i]
                del b
                h.release_from_goroutine() if i % 4 == 0 else h.release()

        def edges():
            p = s.MyClass()
            for _ in range(times):
                p.append(r.get())
                p.remove(r.get())

        together(
            python, python, edges, lambda: r.wrap_from_goroutines(4, times), lambda: r.wrap_from_goroutines(2, times)
        )
        assert r.get().id() == number
        r.release_from_goroutine()
    # The harness checks after every property that nothing is left over.


@prop("T5", "a storm of 100,000 releases", child=True)
def test_a_storm_of_releases(s):
    """100,000 releases on goroutines while Python runs: memory stays bounded, and everything is freed."""
    n = 20_000 if QUICK else 100_000
    alive = s.live_objects()

    deaths = []

    class Sub(s.MyClass):
        def __del__(self):
            deaths.append(None)  # by several threads

    refs = [s.MyClassRef(Sub() if i % 10 == 0 else s.MyClass()) for i in range(n)]
    refs += [s.new_native() for _ in range(n // 10)]
    before = resident()
    s.release_from_goroutines(refs, 8, False)
    while s.live_objects() - alive > n // 2:
        s.MyClass()  # Python runs other code
        s.settle()
    grown = resident() - before
    for _ in range(100):
        s.settle()
        if s.live_objects() == alive:
            break
        time.sleep(0.05)
    assert s.live_objects() == alive, "not everything is freed"
    assert len(deaths) == (n + 9) // 10, "not every __del__ ran once"
    assert grown < 64 << 20, f"grew by {grown} bytes"


@prop("T6", "weak keys die while copied", child=True)
@restoring_switch_interval
def test_a_weak_keyed_dict_is_copied_while_its_keys_die(s):
    """Copies of a WeakKeyDictionary, made while another thread drops its keys, have only intact keys, each with its value, and in the end the dictionary is empty."""
    sys.setswitchinterval(1e-6)
    for _ in range(3 if QUICK else 10):
        objects = [s.MyClass() for _ in range(1000)]
        refs = [s.MyClassRef(a) for a in objects[::3]]
        numbers = weakref.WeakKeyDictionary()
        for a in objects:
            numbers[a] = a.id()
        del a

        def drop():
            while objects:
                objects.pop()

        def copies():
            while objects:
                for make in (copy.copy, copy.deepcopy):
                    try:
                        found = dict(make(numbers))
                    except RuntimeError as e:
                        assert "changed size" in str(e)  # CPython's own race, rare
                        continue
                    for b, number in found.items():
                        assert b.id() == number, "another object, or one that is not intact"

        together(copies, drop)
        for r in refs:
            r.release()
        s.settle()
        gc.collect()
        assert len(numbers) == 0, "a key is left over"


@prop("T7", "one parent, many threads", child=True)
@restoring_switch_interval
def test_many_threads_share_one_parent(s):
    """Threads that append to one parent at once, and move their objects from there to parents of their own, each find them in the order in which they appended them."""
    sys.setswitchinterval(1e-6)
    times = 20 if QUICK else 100
    shared = s.MyClass()

    def work():
        mine, own = [s.MyClass() for _ in range(5)], s.MyClass()
        wanted = [a.id() for a in mine]

        def check(parent):
            found = [a.id() for a in parent.children()]
            assert [n for n in found if n in wanted] == wanted, "the order is lost"

        def move(old, new):
            for a in mine:
                new.append(a)
                old.remove(a)

        for a in mine:
            shared.append(a)
        for _ in range(times):
            check(shared)
            move(shared, own)
            check(own)
            move(own, shared)

    together(*[work] * 4)
    assert len(shared.children()) == 20, "an edge is lost, or left"
