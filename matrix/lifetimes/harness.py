"""How a property is declared, run and judged.

A property is a test function marked with @prop. It gets a subject and fails an
assertion where the subject breaks the promise; every other exception is a bug
in the test or the subject and fails the run, whatever is declared.
"""

import functools
import gc
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass

from .subject import Lacks, NotApplicable, load

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
# From --lifetimes-quick and --lifetimes-seconds; children find them in the environment, too.
QUICK = bool(os.environ.get("LIFETIMES_QUICK"))
CHILD_SECONDS = int(os.environ.get("LIFETIMES_SECONDS") or 120)
HUNG_SECONDS = min(20, CHILD_SECONDS)  # what is declared to hang need not be waited for as long


@dataclass(frozen=True)
class Property:
    id: str
    title: str
    promise: str
    child: bool  # run in a process of its own: may crash or hang
    absent: str = ""  # why this interpreter does not have what it is about
    rare: bool = False  # what breaks it may not happen in a run


@dataclass(frozen=True)
class Verdict:
    outcome: str
    detail: str = ""


def prop(id, title, *, child=False, absent="", rare=False):
    """Mark a function as the test of property id; its docstring is the promise.

    absent says why this interpreter does not have what the property is about: then
    it is not applicable to any subject. rare: its break is a race that may not happen
    in a run; then it may hold where it is declared to break, and counts as broken.
    """

    def mark(function):
        promise = " ".join((function.__doc__ or "").split())
        assert promise, f"{id} has no docstring"
        function.property = Property(id, title, promise, child, absent, rare)
        return function

    return mark


def run(function, subject):
    """Run a property's test against a subject, and judge."""
    if function.property.absent:
        return Verdict("n/a", function.property.absent)
    if subject.unloadable and function.property.id != "FT1":
        return Verdict("n/a", subject.unloadable)
    if function.property.child or subject.kind == "library":
        return _run_in_child(function, subject)
    return _run_here(function, subject)


def _run_here(function, subject):
    before = balance(subject)
    try:
        function(subject)
    except (Exception, SystemExit) as e:
        # The traceback holds the frame, and the frame what it made.
        verdict = _verdict(e, function.property, subject)
        traceback.clear_frames(e.__traceback__)
        e.__traceback__ = None
        del e
        subject.settle()
        gc.collect()
        return verdict
    after = balance(subject)
    if after != before:
        # A bug in a strategy, but an outcome for a library.
        outcome = "breaks" if subject.kind == "library" else "failed"
        return Verdict(outcome, f"(native objects, wrappers) alive went from {before} to {after}")
    return Verdict("holds")


def _verdict(error, p, subject):
    if isinstance(error, NotApplicable):
        return Verdict("lacks" if isinstance(error, Lacks) else "n/a", str(error))
    if lacks := subject.lacking(error):
        return Verdict("lacks", lacks)
    if isinstance(error, AssertionError):
        return Verdict("breaks", _in_short(error))
    if refused := subject.refusal(error):
        return Verdict(subject.refused(p.id), refused)
    return Verdict("failed", traceback.format_exc())


def balance(subject):
    """(native objects, wrappers) alive, after all that can be collected has been."""
    for _ in range(3):
        subject.settle()
        gc.collect()
    try:
        stats = subject.stats()
        wrappers = stats["wrappers_created"] - stats["wrappers_freed"]
    except NotApplicable:
        wrappers = 0
    try:
        return subject.live_objects(), wrappers
    except NotApplicable:
        return 0, wrappers


def _in_short(e):
    lines = str(e).strip().splitlines() or ["assertion failed"]
    return lines[0][:200] + (f" ... {lines[-1][:200]}" if len(lines) > 1 else "")


# --- a process of its own ------------------------------------------------------

_EXIT = {20: "holds", 10: "breaks", 11: "n/a", 12: "lacks"}  # not 0: a process that exits early has no outcome


def _run_in_child(function, subject):
    seconds = CHILD_SECONDS
    if subject.kind == "library":
        declared = subject.expected(function.property.id)[0]
        seconds = HUNG_SECONDS if "hung" in declared.split("|") else CHILD_SECONDS
        status, text, detail = _zygote(subject).run(function, seconds)
    else:
        # A session of its own, so that what it has started goes with it when it hangs.
        child = subprocess.Popen(
            _python(f"_child_main({function.__module__!r}, {function.__name__!r}, {subject.spec!r})"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            detail, errors = child.communicate(timeout=CHILD_SECONDS)
        except BaseException as e:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            status = None
            if not isinstance(e, subprocess.TimeoutExpired):  # Ctrl-C, which does not reach another session
                raise
        else:
            status, text = child.returncode, detail + errors
    if status is None:
        return Verdict("hung", f"still running after {seconds} s")
    if status < 0:
        return Verdict("crashed", f"signal {-status}\n{text[-3000:]}")
    outcome = _EXIT.get(status, "failed")
    return Verdict(outcome, (text if outcome == "failed" else detail).strip()[-3000:])


def _python(call):
    """The command of a process that finds the same modules as this one and calls a function of this module."""
    code = f"import sys; sys.path[:] = {sys.path!r}\nfrom lifetimes import harness; harness.{call}"
    return [sys.executable, "-X", "faulthandler", "-c", code]


def _child_main(module, name, subject):
    _judge(getattr(importlib.import_module(module), name), load(subject))


def _judge(function, subject):
    """Run here, and exit with the outcome."""
    verdict = _run_here(function, subject)
    if verdict.detail:
        print(verdict.detail)
    sys.exit({v: k for k, v in _EXIT.items()}.get(verdict.outcome, 13))


# --- the same for a library: forks of a process that has imported it, which takes
# some of them longer than most properties take to run


class _Zygote:
    """A process with a library in it, from which each property gets a fork."""

    def __init__(self, subject):
        self._name = subject.name
        # Freed memory is overwritten, so that what is used after it was freed crashes every time.
        self._process = subprocess.Popen(
            _python(f"_zygote_main({subject.spec!r})"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONMALLOC": "debug"},
            start_new_session=True,
        )

    def run(self, function, seconds):
        """(exit status, negative for a signal and None for too late; all that was printed; what was printed to stdout)"""
        with tempfile.TemporaryDirectory() as folder:
            job = {"module": function.__module__, "function": function.__name__, "seconds": seconds, "folder": folder}
            try:
                self._process.stdin.write(json.dumps(job) + "\n")
                self._process.stdin.flush()
                answer = self._process.stdout.readline()
            except OSError:
                answer = ""
            if not answer:
                del _zygotes[self._name]  # the next property gets a new one
                return 1, "the process that imports the library died", ""
            printed = []
            for name in "stdout", "stderr":
                with open(os.path.join(folder, name), errors="replace") as f:
                    printed.append(f.read())
            return json.loads(answer), "".join(printed), printed[0]


_zygotes = {}


def _zygote(subject):
    if subject.name not in _zygotes:
        _zygotes[subject.name] = _Zygote(subject)
    return _zygotes[subject.name]


def _zygote_main(name):
    parent, subject = os.getppid(), load(name)
    subject.module  # noqa: B018
    gc.collect()
    gc.freeze()  # what the library brought along is not what is tested, and takes gc long
    while line := sys.stdin.readline():
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for fd, stream in (1, "stdout"), (2, "stderr"):
                os.dup2(os.open(os.path.join(job["folder"], stream), os.O_WRONLY | os.O_CREAT), fd)
            os.setpgid(0, 0)
            _judge(getattr(importlib.import_module(job["module"]), job["function"]), subject)
        print(json.dumps(_wait(pid, job["seconds"], parent)), flush=True)


def _wait(pid, seconds, parent):
    """The exit status, negative for a signal, None after so many seconds or when the parent is gone."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and os.getppid() == parent:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def program(subject, source, *, before="", options=None):
    """Run source as a Python program of its own, in which m is the subject (None: none is imported).
    before runs before the subject is imported; options are the interpreter's, by
    default those that have a free-threaded one run as this one, with the GIL or without.

    Returns (exit status, stdout, stderr); an exit status below 0 is a signal. Has no
    time limit of its own: the property that calls it has a process, which has one.
    """
    head = (
        before + f"import sys, os\nsys.path[:] = {sys.path!r}\n"
        f"{f'from lifetimes.subject import load; m = load({subject.spec!r})' if subject else ''}\n"
    )
    if options is None:
        options = ("-X", f"gil={int(sys._is_gil_enabled())}") if FREE_THREADED else ()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHON_GIL"}
    done = subprocess.run(
        [sys.executable, *options, "-c", head + source], capture_output=True, text=True, env=environment
    )
    if subject and subject.kind == "library":
        if said := re.search(r"^lifetimes\.subject\.(NotApplicable|Lacks): (.*)", done.stderr, re.M):
            raise {"Lacks": Lacks}.get(said[1], NotApplicable)(said[2])
        for raised in re.finditer(r"^(?:AttributeError|TypeError): (.*)", done.stderr, re.M):
            name = re.search(r" has no attribute '(\w+)'", raised[1])
            if lacks := subject.lacking(AttributeError(raised[1], name=name and name[1])):
                raise Lacks(lacks)
    return done.returncode, done.stdout, done.stderr


# --- for the tests -------------------------------------------------------------


def restoring(get, set):
    """A decorator that puts a process-wide setting back, whatever happens."""

    def decorate(function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            old = get()
            try:
                return function(*args, **kwargs)
            finally:
                set(*old) if isinstance(old, tuple) else set(old)

        return wrapped

    return decorate


restoring_gc = restoring(gc.get_threshold, gc.set_threshold)
restoring_switch_interval = restoring(sys.getswitchinterval, sys.setswitchinterval)


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


def resident():
    """Bytes of memory that the process occupies."""
    try:
        with open("/proc/self/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        raise NotApplicable("needs /proc") from None


class Junk:
    """A plain object to make garbage cycles of."""
