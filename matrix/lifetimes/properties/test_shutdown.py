"""X: what happens when the interpreter goes away?"""

import os

from lifetimes.harness import program, prop


@prop("X1", "exit with live zombies", child=True)
def test_exit_with_live_zombies(s):
    """The interpreter exits with status 0 and prints nothing while native code holds dead wrappers."""
    for source in (
        # held by Python holders, in all the places that die at different times
        "a = m.MyClass(); a.x = 1; a.me = a; r = m.MyClassRef(a); del a\n"
        "import builtins; builtins.keep = m.MyClassRef(r.get())\n"
        "class Sub(m.MyClass):\n"
        "    __slots__ = ('s',)\n"
        "    keep = []\n"
        "    def __del__(self): self.id()\n"
        "b = Sub(); b.s = b; Sub.keep.append(m.MyClassRef(b)); del b\n",
        # held by native edges only, of an object that is never released
        "p = m.MyClass()\nfor n in range(100):\n    c = m.MyClass(); c.x = [p]; p.append(c)\np.append(p)\ndel p, c\n",
    ):
        status, out, err = program(s, source)
        assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"


@prop("X4", "wrap from an atexit callback", child=True)
def test_everything_works_from_an_atexit_callback(s):
    """Objects can be made, held, wrapped and released from atexit callbacks, whenever those were registered."""
    late = (
        "import atexit\n"
        "def late():\n"
        "    p, c = m.MyClass(), m.MyClass()\n"
        "    p.append(c); r = m.MyClassRef(c); p.remove(c); r.release()\n"
        "    assert c.id() and keep.get().id()\n"
        "    r = m.MyClassRef(p); del p, c\n"
        "    assert r.get().id()\n"
        "    r.release_from_goroutine()\n"
        "    for i in range(100): m.new_native().get().me = i\n"
        "atexit.register(late)\n"
    )
    status, out, err = program(s, "keep = m.new_native(); keep.get().x = 1\n" + late)
    assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"
    # Registered before the import, so that it runs after ours.
    status, out, err = program(s, "keep = m.new_native(); keep.get().x = 1\n", before=late)
    assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"


@prop("X2", "release after finalization", child=True)
def test_native_release_after_finalization(s):
    """Native code releases its references after the interpreter is finalized: no crash, no hang, exit status 0."""
    status, out, err = program(
        s,
        (
            "class Sub(m.MyClass):\n"
            "    __slots__ = ('s',)\n"
            "    def __del__(self): self.id()\n"
            "for cls in (m.MyClass, Sub):\n"
            "    a = cls(); a.x = [a]; a.append(cls()); a.set_callback(lambda n, a=a: n)\n"
            "    m.MyClassRef(a).release_after_python()\n"
            "    m.MyClassRef(a).release_after_python()\n"
            "    b = cls(); b.y = 1; m.MyClassRef(b).release_after_python()\n"
            "    m.new_native('never wrapped').release_after_python()\n"
            "del a, b\n"
        ),
    )
    assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"


@prop("X3", "goroutines release while it finalizes", child=True)
def test_goroutines_release_while_the_interpreter_finalizes(s):
    """Goroutines go on releasing while the interpreter finalizes: no crash, no hang, exit status 0."""
    for n in (200, 20_000, 100_000):
        status, out, err = program(
            s,
            (
                "class Sub(m.MyClass):\n"
                "    def __del__(self): self.id()\n"
                f"refs = [m.MyClassRef(Sub() if i % 7 == 0 else m.MyClass()) for i in range({n})]\n"
                "for i in range(0, len(refs), 50): refs[i].get().set_callback(print)\n"
                "keep = [r.get() for r in refs[::5]]\n"
                "m.release_from_goroutines(refs, 4, False)\n"
            ),
        )
        assert (status, out, err) == (0, "", ""), f"exit status {status} with {n}: {out}{err}"


@prop("X5", "fork", child=True, absent="" if hasattr(os, "fork") else "needs os.fork")
def test_a_forked_child_can_use_what_there_is(s):
    """A child of os.fork() can use, wrap, drop and make objects, is told what it cannot do, and exits cleanly; so does the parent."""
    status, out, err = program(
        s,
        """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
class Sub(m.MyClass):
    __slots__ = ("s",)
    def __del__(self): self.id()
objects = [Sub() if i % 3 == 0 else m.MyClass(str(i)) for i in range(2000)]
for i, a in enumerate(objects): a.x = i
for a, b in zip(objects, objects[1:]): a.append(b)
refs = [m.MyClassRef(a) for a in objects]
del objects[::2], a, b
def use(n):
    for i, r in enumerate(refs):
        b = r.get()
        assert b.id() and (i % 3 == 0 or b.message() == str(i))
        assert r.emit(7) == 7
    made = [Sub() for _ in range(n)]
    for a in made: a.x = a; a.append(a); a.remove(a)
    for r in refs[::3]: r.release()
    del objects[::3], made, a
    import gc; gc.collect()
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        try:
            use(50_000)
            try:
                refs[1].release_from_goroutine()
            except RuntimeError as e:
                assert "fork" in str(e)
            else:  # threads of a library's own may start
                assert m.kind == "library", "a goroutine was started"
        except BaseException:
            import traceback; traceback.print_exc(); os._exit(9)
        sys.exit(3)  # the whole of an interpreter's end
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    m.settle()
    assert refs[5].get().id()
use(1000)
""",
    )
    assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"


@prop("X6", "SIGINT, faulthandler", child=True)
def test_signals_work_as_without_the_extension(s):
    """SIGINT still raises KeyboardInterrupt, whatever native code is doing, and faulthandler still reports a crash."""
    status, out, err = program(
        s,
        """
import signal, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have us ignore it
a = m.MyClass()
r = m.MyClassRef(a)
def repeat(work):
    # A function, because on 3.13 an interrupt at a loop's own test is not always caught
    # by the try around it, extension or not.
    end = time.monotonic() + 20
    while time.monotonic() < end:
        work()
for work in (r.get, lambda: r.emit(1), lambda: r.wrap_from_goroutines(2, 50), m.settle,
             lambda: m.MyClassRef(m.MyClass()).release_from_goroutine()):
    timer = threading.Timer(0.05, signal.raise_signal if os.name == "nt" else lambda n: os.kill(os.getpid(), n), [signal.SIGINT])
    try:
        timer.start()
        repeat(work)
    except KeyboardInterrupt:
        pass
    else:
        print("no KeyboardInterrupt")
    timer.join()
assert r.get() is not None
""",
    )
    assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"
    enable = "import faulthandler; faulthandler.enable()\n"
    crash = "a = m.MyClass(); r = m.MyClassRef(a); del a; import faulthandler; faulthandler._sigsegv()\n"
    for before, source in ((enable, crash), ("", enable + crash)):
        status, out, err = program(s, source, before=before)
        assert status == -11 and "Segmentation fault" in err and "most recent call first" in err, (
            f"exit status {status}: {err[:300]}"
        )
