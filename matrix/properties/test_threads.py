"""T: what if two threads do it at once?"""

import sys
import threading
import weakref

from harness import QUICK, prop, restoring_switch_interval


def together(*functions):
    """Run functions in threads that start at once; raise what any of them raised."""
    errors = []
    barrier = threading.Barrier(len(functions))

    def call(f):
        barrier.wait()
        try:
            f()
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=call, args=(f,)) for f in functions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


@prop("T1", "last drop races a wrap", child=True)
@restoring_switch_interval
def test_last_python_reference_dropped_while_another_thread_wraps(s):
    """One thread drops the last Python reference while another wraps: both get a whole object."""
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
    """Native code lets go on a goroutine while a thread upgrades a weak reference: it gets a whole object or None."""
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
