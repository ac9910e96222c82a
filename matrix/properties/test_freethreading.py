"""FT: what if there is no GIL?"""

import sys
import sysconfig
import threading
import weakref

import test_identity
import test_threads
from harness import program, prop

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
ABSENT = "" if FREE_THREADED else "needs a free-threaded CPython"


def without_gil():
    assert not sys._is_gil_enabled(), "the GIL is on"


@prop("FT1", "import keeps the GIL off", child=True, absent=ABSENT)
def test_importing_does_not_turn_the_gil_on(s):
    """Importing the module does not turn the GIL back on; where it must be off, the import is a clear error."""
    status, out, err = program(s, "print(sys._is_gil_enabled())", options=("-W", "ignore"))
    assert (status, err) == (0, ""), f"exit status {status}: {err}"
    if out.strip() != "False":
        status, out, err = program(s, "", options=("-X", "gil=0"))
        assert status == 1 and "ImportError" in err and "GIL" in err, f"without the GIL: exit status {status}: {err}"
        raise AssertionError("the import turns the GIL on")


@prop("FT2", "threads without the GIL", child=True, absent=ABSENT)
def test_threads_without_the_gil(s):
    """I6, T1, T2 and T4 hold with the GIL off."""
    without_gil()
    test_identity.test_a_first_wrap_raced_by_threads_gives_one_wrapper(s)
    test_threads.test_last_python_reference_dropped_while_another_thread_wraps(s)
    test_threads.test_native_release_races_a_weakref_upgrade(s)
    test_threads.test_goroutines_and_threads_wrap_and_release_at_once(s)


@prop("FT3", "a zombie outlives its thread", child=True, absent=ABSENT)
def test_a_zombie_of_a_thread_that_has_exited_is_revived_by_another(s):
    """A wrapper made, and dropped, on a thread that has exited since is revived whole by another thread, with the GIL off."""
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
            assert b.x == 1 and w() is b
            found.append(b)

        for work in (make, revive):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        r, w = found[0]
        assert found[1] is r.get()
        found.clear()
        r.release()
        del r
        s.settle()
        assert w() is None
