"""What the kit's tests share, and a runner that needs no pytest: python kit_helpers.py [WORD]
runs those tests of the test_*.py beside it whose names contain WORD."""

import atexit
import contextlib
import faulthandler
import functools
import gc
import importlib
import pathlib
import sys
import sysconfig
import time
import traceback

try:
    import kit_test as kit
except ImportError:
    if "pytest" not in sys.modules:
        raise
    sys.modules["pytest"].skip("kit_test is not built: run.py does it", allow_module_level=True)

KEEPING = kit.Preserve, kit.Toggle  # native code keeps the wrapper
KINDS = kit.Preserve, kit.Toggle, kit.Mapped
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))  # type counts are spread over threads
# Those whose last reference any thread may release with effect at once. Without the GIL a wrapper
# that is biased towards a thread waits for that thread to run.
AT_ONCE = tuple(kind for kind in KEEPING if not FREE_THREADED or kind is kit.Preserve)
REFS, STATE, HOLDERS, HANDED_OVER, WRAPPED = range(5)  # of kit.look()
NATIVE_OWNS = 1  # STATE of Preserve, from the flip to the last native release
UNTRACKED = 2  # and this bit while gc does not track the zombie
FILLED, REQUESTED, DRAINING, DRAINED, PUSHED, THREAD = range(6)  # of kit.queued()

atexit.register(kit.disarm, True)


class Log(list):
    """Deaths in order, native ones included."""

    def value(self, name):
        """An object whose death is logged. gc does not track it, so does not choose the time."""
        kit.log_to(self, [])
        return kit.value(name)


def subclass(base, finalize=None):
    class A(base):
        __slots__ = ("a1", "a2")

    class B(A):
        __slots__ = ("b",)

    if finalize:
        B.__del__ = finalize
    return B


def make(cls, **attributes):
    w = cls()
    for name, value in attributes.items():
        setattr(w, name, value)
    return w


def settled():
    """true if the queue is empty and no release is under way."""
    now = kit.queued()
    return now[DRAINED] == now[PUSHED]


def drain_all():
    """Drain by hand, slice after slice."""
    kit.drain()
    while kit.queued()[FILLED]:
        kit.drain()


def settle(until=None):
    """Wait for the queue's thread to release everything; does not drain. until: and for the number
    of native objects that are left."""
    end = time.monotonic() + 60
    while not (settled() and until in (None, live())) and time.monotonic() < end:
        time.sleep(0 if FREE_THREADED else 0.001)
    assert settled() and until in (None, live()), (kit.queued(), live())


@contextlib.contextmanager
def by_hand():
    """Without the queue's thread."""
    kit.disarm(True)
    try:
        yield
    finally:
        kit.disarm(False)


def live():
    """The native objects made in this test."""
    return kit.state()[0] - nodes_before


def refused(error, call, *args):
    try:
        call(*args)
    except error as e:
        return str(e)
    raise AssertionError(f"no {error.__name__}")


def checked(test):
    """test, and checks afterwards: no object is left, C found no broken promise, no __del__ failed."""

    @functools.wraps(test)
    def run():
        global nodes_before
        nodes_before, errors_before, _ = kit.state()
        unraised, before = [], sys.unraisablehook
        sys.unraisablehook = lambda u: unraised.append((u.exc_value, u.object))
        try:
            skipped = test()
            for _ in range(3):
                assert kit.drain_until(20_000_000)
                gc.collect()
            assert not unraised, unraised
        finally:
            sys.unraisablehook = before
        errors = kit.state()[1]
        assert errors == errors_before, f"{errors - errors_before} errors that C saw"
        assert live() == 0, f"{live():+} native objects left"
        if skipped and "pytest" in sys.modules:
            sys.modules["pytest"].skip(skipped)
        return skipped

    return run


def check_all(names):
    """Replace every test among names, a module's globals(), by checked(test)."""
    names.update({name: checked(f) for name, f in names.items() if name.startswith("test_") and callable(f)})


def main(word=""):
    faulthandler.enable()
    here, passed, failed, skipped = pathlib.Path(__file__).parent, 0, 0, 0
    for module in [importlib.import_module(file.stem) for file in sorted(here.glob("test_*.py"))]:
        for name, test in list(vars(module).items()):
            if not name.startswith("test_") or not callable(test) or word not in name:
                continue
            print(name, end="", flush=True)
            begun = time.monotonic()
            try:
                reason = test()
            except Exception:
                failed += 1
                print(" FAILED", flush=True)
                traceback.print_exc(file=sys.stdout)
            else:
                passed, skipped = passed + (reason is None), skipped + (reason is not None)
                print(f" skipped: {reason}" if reason else f" ok, {time.monotonic() - begun:.1f} s", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
