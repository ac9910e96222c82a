"""Processes: multiprocessing, fork, exit, signals, and loading the package more than once."""

import multiprocessing
import os
import subprocess
import sys
import time

import pyobject_preservation as pp
import pytest
from suite import USABLE


def run(tmp_path, source, *arguments, **environment):
    """Run source as a program of its own, which is killed when it hangs; what it prints."""
    program = tmp_path / "program.py"
    program.write_text(source)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHON_GIL": "1", **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


PROGRAM = """
import multiprocessing, os, sys
import pyobject_preservation as pp

def work(n):
    found = []
    for name in pp.STRATEGIES:
        m = pp.strategy(name)
        a = m.MyClass()
        a.x = n
        r = m.MyClassRef(a)
        del a
        b = r.get()
        found.append((name, m.GUARANTEES["identity"] and getattr(b, "x", None) != n, b.id() > 0))
        r.release()
    return found

if __name__ == "__main__":
    held = [pp.strategy(name).MyClassRef(pp.strategy(name).MyClass()) for name in pp.STRATEGIES]
    with multiprocessing.get_context(sys.argv[1]).Pool(3) as pool:
        for found in pool.map(work, range(40)):
            assert not any(lost for _, lost, _ in found) and all(whole for *_, whole in found), found
    assert all(r.get().id() for r in held)
    print("done")
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_pool_of_processes(tmp_path, method):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", program, method],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHON_GIL": "1"},
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


# ---- fork ---------------------------------------------------------------------------------

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

FORK = """
import os, signal, sys, threading, time
import pyobject_preservation as pp

def forked(work):
    "Have work() done in a child, which must not take longer than 30 s; its exit status."
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        try:
            work()
        except BaseException as e:
            print(repr(e), flush=True)
            os._exit(3)
        os._exit(0)
    return os.waitpid(pid, 0)[1]

def together(number, work):
    "Have work() done by as many threads, all of them alive until the last is done."
    done = threading.Barrier(number)
    threads = [threading.Thread(target=lambda: (work(), done.wait())) for _ in range(number)]
    [t.start() for t in threads]
    [t.join() for t in threads]
"""


@needs_fork
@pytest.mark.parametrize("name", USABLE)
def test_many_threads_of_a_child_enter_go(tmp_path, name):
    """A thread returns its processor, because no monitor takes it: the twelfth thread hung the child."""
    run(
        tmp_path,
        FORK
        + """
m = pp.strategy(sys.argv[1])

def work():
    a, b = m.MyClass("text"), m.MyClass()
    a.append(b)
    assert a.message() == "text" and len(a.children()) == 1

def grandchild():
    together(100, work)

def child():
    together(200, work)
    assert forked(grandchild) == 0

assert forked(child) == 0
""",
        name,
    )


@needs_fork
def test_threads_of_a_child_inside_of_handlers_are_limited(tmp_path):
    """A thread that would find no processor gets RuntimeError; when others have left, processors are free again."""
    out = run(
        tmp_path,
        FORK
        + """
m = pp.strategy("toggleref")
go, lock, inside, refused = threading.Event(), threading.Lock(), [], []

class Sub(m.MyClass):
    def on_event(self, event):
        with lock:
            inside.append(event)
        go.wait()
        return event if event < 2 else r.emit(event - 1)  # a thread that is inside may go deeper

def emit():
    try:
        assert r.emit(3) == 1
    except RuntimeError as e:
        assert "forked" in str(e)
        with lock:
            refused.append(e)
    m.MyClass("text").message()

def child():
    threads = [threading.Thread(target=emit) for _ in range(300)]
    [t.start() for t in threads]
    while len(inside) + len(refused) < 300:
        time.sleep(0.01)
    limit = len(inside)
    assert 40 < limit < 300
    go.set()
    [t.join() for t in threads]
    inside.clear()
    refused.clear()
    together(limit, emit)
    assert len(inside) == 3 * limit and not refused
    print("done", flush=True)

a = Sub()
r = m.MyClassRef(a)
assert forked(child) == 0
""",
    )
    assert out == "done\n"


@needs_fork
def test_a_memory_limit_starts_no_collection_in_a_child(tmp_path):
    """The limit turns Go's collector on even where it was turned off, and a collection needs threads."""
    run(
        tmp_path,
        FORK
        + """
m = pp.strategy("toggleref")

def child():
    keep = [m.MyClass("x" * 100) for _ in range(150_000)]

assert forked(child) == 0
""",
        GOMEMLIMIT="16MiB",
    )


@needs_fork
@pytest.mark.parametrize("how", ["reload", "package", "all"])
def test_a_fork_after_the_package_was_loaded_again(tmp_path, how):
    """What is registered with os.register_at_fork is the process's: twice was a deadlock."""
    run(
        tmp_path,
        FORK
        + """
import importlib
m = pp.strategy("preserve")
r = m.MyClassRef(m.MyClass("kept"))
r.get().x = 1
for _ in range(2):
    if sys.argv[1] == "reload":
        again = importlib.reload(pp)
    else:
        for name in [n for n in sys.modules if n.split(".")[0] == "pyobject_preservation"]:
            if sys.argv[1] == "all" or name == "pyobject_preservation":
                del sys.modules[name]
        import pyobject_preservation as again
        assert again is not pp
    assert again.strategy("preserve").MyClass is m.MyClass

def child():
    assert r.get().x == 1 and again.strategy("preserve").MyClass("a").message() == "a"

for _ in range(3):
    assert forked(child) == 0
""",
        how,
    )


# ---- exit ---------------------------------------------------------------------------------

# A goroutine is inside of Python: it runs __del__, which sleeps, without the GIL.
INSIDE = """
import atexit, os, sys, threading, time

@atexit.register
def late():  # runs after what the import registers
    if len(sys.argv) > 2:
        try:
            r.wrap_from_goroutines(1, 1)
        except RuntimeError as e:
            print(e, flush=True)

import pyobject_preservation as pp
m = pp.strategy("naive")
inside = threading.Event()

def slow(self):
    if threading.current_thread() is not threading.main_thread() and not inside.is_set():
        inside.set()
        time.sleep(float(sys.argv[1]))
        print("left", flush=True)

r = m.MyClassRef(m.MyClass())
m.MyClass.__del__ = slow
threading.Thread(target=lambda: r.wrap_from_goroutines(1, 1), daemon=True).start()
inside.wait()
"""


def test_exit_waits_for_a_goroutine_that_is_inside_of_python(tmp_path):
    assert run(tmp_path, INSIDE, 0.5) == "left\n"


def test_a_goroutine_that_comes_too_late_is_refused(tmp_path):
    """It does not take the GIL of an interpreter that is being finalized, which would sometimes end the process."""
    assert run(tmp_path, INSIDE, 0.1, "late") == "left\n1 of the wraps failed\n"


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="from 3.15 on CPython itself waits, without an end")
def test_exit_does_not_wait_for_ever(tmp_path):
    start = time.monotonic()
    assert run(tmp_path, INSIDE, 100) == ""
    assert 5 <= time.monotonic() - start < 20


@needs_fork
def test_a_child_does_not_wait_for_the_threads_of_its_parent(tmp_path):
    out = run(
        tmp_path,
        INSIDE
        + """
start = time.monotonic()
pid = os.fork()
if pid == 0:
    sys.exit(7)
assert os.waitpid(pid, 0)[1] == 7 << 8
print(time.monotonic() - start < 3)
""",
        1 if sys.version_info < (3, 15) else 0.5,
    )
    assert out == "True\nleft\n"


@pytest.mark.parametrize("name", pp.STRATEGIES)
def test_exit_while_goroutines_wrap(tmp_path, name):
    program = """
import sys, threading, time
import pyobject_preservation as pp
m = pp.strategy(sys.argv[1])
for _ in range(3):
    threading.Thread(target=lambda: m.MyClassRef(m.MyClass()).wrap_from_goroutines(8, 10**7), daemon=True).start()
time.sleep(0.1)
"""
    for _ in range(3):
        assert run(tmp_path, program, name) == ""


# ---- loading ------------------------------------------------------------------------------


def test_an_import_that_failed_can_be_tried_again(tmp_path):
    run(
        tmp_path,
        """
import atexit, os, sys
register, register_at_fork = atexit.register, os.register_at_fork if hasattr(os, "register_at_fork") else None
calls = []

def failing(*args, **kwargs):
    raise MemoryError

def counting(*args, **kwargs):
    calls.append(args)
    return register(*args, **kwargs)

def fails():
    try:
        import pyobject_preservation
    except MemoryError:
        return
    raise AssertionError("imported")

atexit.register = failing
fails()
atexit.register = counting
if register_at_fork:
    os.register_at_fork = failing
    fails()
    os.register_at_fork = register_at_fork
import pyobject_preservation as pp
assert len(calls) == 1, calls  # once, though it succeeded before the import did
m = pp.strategy("preserve")
assert m.MyClassRef(m.MyClass("a")).get().message() == "a"
""",
    )


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="3.13's dicts crash when a type is made without memory")
@pytest.mark.parametrize("name", pp.STRATEGIES + pp.REFERENCES)
def test_a_strategy_that_failed_for_lack_of_memory_can_be_tried_again(tmp_path, name):
    """MemoryError, not "no strategy is called": CPython fails without an exception now and then."""
    pytest.importorskip("_testcapi")
    out = run(
        tmp_path,
        """
import _testcapi, sys
import pyobject_preservation as pp
get = pp.strategy if sys.argv[1] in pp.STRATEGIES else pp.reference
failed = 0
for start in range(1, 1000):
    try:
        _testcapi.set_nomemory(start, start + 1)
        try:
            m = get(sys.argv[1])
        finally:
            _testcapi.remove_mem_hooks()
    except MemoryError:
        failed += 1
        continue
    break
assert failed > 10, failed
m.MyClassRef(m.MyClass())
print("done")
""",
        name,
    )
    assert out == "done\n"


def test_the_package_cannot_be_loaded_after_it_was_disarmed(tmp_path):
    """Its classes belong to the interpreter that has exited."""
    out = run(
        tmp_path,
        """
import atexit, sys
import pyobject_preservation
atexit._run_exitfuncs()
for name in [n for n in sys.modules if n.startswith("pyobject_preservation")]:
    del sys.modules[name]
try:
    import pyobject_preservation
except ImportError as e:
    print(e)
""",
    )
    assert "cannot be loaded again" in out


# ---- signals ------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's /proc")
def test_signals_that_go_takes_stay_what_they_were(tmp_path):
    """SIGURG reaches a Python handler, and Go does not send it; SIGPIPE stays ignored, also in children."""
    run(
        tmp_path,
        """
import os, signal, subprocess, sys, time
calls = []

def handler(*_):
    calls.append(1)

def urge():
    calls.clear()
    os.kill(os.getpid(), signal.SIGURG)
    time.sleep(0.05)
    return len(calls)

def pipe_is_ignored_in_a_child():
    line = subprocess.run(["grep", "SigIgn", "/proc/self/status"], restore_signals=False, capture_output=True).stdout
    return bool(int(line.split()[1], 16) >> signal.SIGPIPE - 1 & 1)

signal.signal(signal.SIGURG, handler)
assert pipe_is_ignored_in_a_child()
import pyobject_preservation as pp
assert urge() == 1
assert pipe_is_ignored_in_a_child()
signal.signal(signal.SIGURG, handler)
assert urge() == 1
calls.clear()
m = pp.strategy("gcowned")
end = time.monotonic() + 1.5
while time.monotonic() < end:  # Go's collector stops goroutines
    m.release_from_goroutines([m.MyClassRef(m.MyClass("x" * 1000)) for _ in range(1000)])
    m.settle()
assert calls == []
read, write = os.pipe()
os.close(read)
try:
    os.write(write, b"x")
except BrokenPipeError:
    pass
""",
    )
