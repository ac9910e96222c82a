"""What a release by a goroutine, which does not hold the GIL, means for Python code.

    python bench/release_latency.py [--rounds N] [--objs N] [--strategies A,B] [--text FILE]

Release: microseconds from the last release of an object to its __del__, while the main thread sleeps.

Pause: a goroutine releases the root of many objects that native code holds and whose wrappers, dead, have an
attribute; the main thread loops in Python meanwhile. Reported are the gaps between two of its iterations which are
longer than a tenth of a millisecond: those in which another thread had the GIL, and those in which the machine was busy
with something else. The row in which nothing is released has the latter alone. own is the longest gap without the time
for which the machine took a processor away (witness.py; left out where that cannot be known). slice is the longest time,
by the clock on the wall, for which a thread that released what had been handed over kept the GIL, by
stats()["longest_slice"]. Each shape of each strategy is in a fresh process.

The floor is a thread that attaches in order to release, as libraries without a queue do: it waits for a lock, takes
the GIL where there is one, and drops the last Python reference.

Prints tables; --text writes Go benchmark text with `lang: latency`.
"""

import argparse
import gc
import itertools
import json
import subprocess
import sys
import threading
import time

import pyobject_preservation as pp
from progress import Progress
from python_threads import gil
from witness import Witnesses

FLOOR = "floor"
LEAST = 100_000  # nanoseconds
PATIENCE = 300  # seconds
UNITS = "p50-us", "p99-us", "max-us", "own-us", "slice-us"  # own: see witness.py; slice: with a queue
NONE = "none"  # the shape of nothing


class Token:
    """An attribute of all objects of a shape: its reference count says how many are alive."""


def percentiles(nanoseconds):
    """Median, 99th percentile and maximum in microseconds, by unit; zeros if there are none."""
    ordered = sorted(t / 1000 for t in nanoseconds) or [0]
    return {"p50-us": ordered[len(ordered) // 2], "p99-us": ordered[len(ordered) * 99 // 100], "max-us": ordered[-1]}


def module(name):
    return pp.reference(name) if name in pp.REFERENCES else pp.strategy(name)


# ---- releasing on another thread ----------------------------------------------------------


class Goroutine:
    def __init__(self, m):
        self.m = m

    def hold(self, obj):
        self.held = [self.m.MyClassRef(obj)]

    def release(self):
        self.m.release_from_goroutines(self.held, 1, wait=False)

    def join(self):
        pass


class AttachingThread:
    def __init__(self, m):
        self.held, self.go = [], threading.Lock()
        self.go.acquire()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        while True:
            self.go.acquire()
            if not self.held:
                return
            self.held.pop()

    def hold(self, obj):
        self.held.append(obj)

    def release(self):
        self.go.release()

    def join(self):
        self.go.release()
        self.thread.join()


def releaser(name):
    return (AttachingThread if name == FLOOR else Goroutine)(module(name))


# ---- from the release to __del__ ------------------------------------------------------------


def latencies(name, rounds):
    """Nanoseconds from each release to __del__."""
    died, other = [], releaser(name)

    class Mourned(module(name).MyClass):
        def __del__(self):
            died.append(time.perf_counter_ns())

    for _ in range(rounds):
        died.clear()
        other.hold(Mourned())
        start = time.perf_counter_ns()
        other.release()
        while not died:
            time.sleep(0.002)
        yield died[0] - start
    other.join()


# ---- pauses -------------------------------------------------------------------------------------


def tree(i):
    return (i - 1) // 10


def wide(i):
    return 0


def chain(i):
    return i - 1


SHAPES = {"tree": tree, "wide": wide, "chain": chain}  # the parent of the i-th object


def link(name, objs, parent_of):
    """Edges from parents to children: native ones; the floor has none, and Python references instead."""
    for i in range(1, len(objs)):
        parent = objs[parent_of(i)]
        if name != FLOOR:
            parent.append(objs[i])
        elif hasattr(parent, "children"):
            parent.children.append(objs[i])
        else:
            parent.children = [objs[i]]


def pauses(name, shape, n):
    """The pauses of the main thread while n objects die, as watch returns them."""
    MyClass, other, token = module(name).MyClass, releaser(name), Token()
    alone = sys.getrefcount(token)
    objs = [MyClass() for _ in itertools.repeat(None, n)]
    for obj in objs:
        obj.token = token
    link(name, objs, SHAPES[shape])
    other.hold(objs[0])
    del obj
    objs.clear()
    assert sys.getrefcount(token) == alone + n, "an object has died too early"
    end = time.monotonic() + PATIENCE
    gaps = watch(other.release, lambda: sys.getrefcount(token) <= alone or time.monotonic() > end)
    if sys.getrefcount(token) > alone:
        sys.exit(f"release_latency: {name}, {shape}: after {PATIENCE} s there are objects left")
    other.join()
    return gaps


def undisturbed():
    """The gaps of a second in which nothing is released."""
    end = time.monotonic() + 1
    return watch(int, lambda: time.monotonic() > end)


def watch(begin, ended):
    """The long gaps between iterations of a loop in Python, from a call of begin until ended() is true: beginning
    and end in nanoseconds."""
    clock, gaps = time.perf_counter_ns, []
    over, last = False, clock()
    begin()
    while not over:
        over = ended()
        now = clock()
        if now - last > LEAST:
            gaps.append((last, now))
        last = now
    return gaps


def pauses_in_a_process(name, shape, objs):
    """The number of pauses, and their values by unit."""
    command = [sys.executable, __file__, "--pause", name, shape, str(objs)]
    with Witnesses() as witnesses:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"release_latency: {name}, {shape}: a worker failed (exit code {done.returncode})")
    gaps, longest = json.loads(done.stdout)
    found = percentiles([end - start for start, end in gaps])
    if witnesses.present:
        found["own-us"] = max((end - start - witnesses.taken(start, end) for start, end in gaps), default=0) / 1000
    if longest is not None:
        found["slice-us"] = longest
    return len(gaps), found


def pause_worker(name, shape, objs):
    gc.disable()  # a collection of so many objects is a pause of its own
    gaps = undisturbed() if shape == NONE else pauses(name, shape, int(objs))
    json.dump((gaps, None if name == FLOOR else module(name).stats()["longest_slice"]), sys.stdout)


# ---- all of it --------------------------------------------------------------------------------------


def measure(names, rounds, objs):
    """(benchmark's name with keys, subject, samples, values by unit) of everything."""
    progress, total = Progress("latency"), len(names) * (1 + len(SHAPES)) + 1
    done = itertools.count(1)

    def said(what, name, n, found):
        progress.say(next(done), total, f"measured, the last is {what} of {name}")
        return what, name, n, found

    for name in names:
        yield said("Release", name, rounds, percentiles(latencies(name, rounds)))
    yield said(f"Pause/shape={NONE}", FLOOR, *pauses_in_a_process(FLOOR, NONE, 0))
    for shape in SHAPES:
        for name in names:
            yield said(f"Pause/shape={shape}/objs={objs}", name, *pauses_in_a_process(name, shape, objs))


def line(what, name, n, found):
    what, slash, keys = what.partition("/")
    metrics = " ".join(f"{found[unit]:.6g} {unit}" for unit in UNITS if unit in found)
    return f"Benchmark{what}/strategy={name}{slash}{keys} {n} {metrics}"


def keeps(declared):
    """Whether __del__ waits for the last native release. With gcowned Go's collector decides when that is."""
    usable = gil() or not declared["needs_gil"]
    return usable and "F1" not in declared["breaks"] and declared["name"] != "gcowned"


def main():
    keeping = [name for name in pp.STRATEGIES if keeps(pp.declaration(name))]
    parser = argparse.ArgumentParser(description="What a release by a goroutine means for Python code.")
    parser.add_argument("--rounds", type=int, default=1000, help="releases of one object")
    parser.add_argument("--objs", type=int, default=1_000_000, help="objects that die at once")
    parser.add_argument("--strategies", default="", help="names with commas between; the floor is always there")
    parser.add_argument("--text", help="where to write Go benchmark text")
    parser.add_argument("--pause", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pause:
        return pause_worker(*options.pause)
    asked = [name for name in options.strategies.split(",") if name] or pp.STRATEGIES
    for name in asked:
        if name not in pp.STRATEGIES:
            parser.error(f"no strategy is called {name!r}; there are {', '.join(pp.STRATEGIES)}")
    names = [FLOOR, *(name for name in asked if name in keeping)]
    gc.disable()  # a collection of so many objects is a pause of its own
    lines = [f"Unit {unit} better=lower" for unit in UNITS]
    lines += ["pkg: bench/release_latency.py", f"cpython: {' '.join(sys.version.split())}", "lang: latency"]
    print(f"{'microseconds':30} {'strategy':10} {'number':>8} " + " ".join(f"{unit:>10}" for unit in UNITS))
    for what, name, n, found in measure(names, options.rounds, options.objs):
        print(
            f"{what:30} {name:10} {n:8} "
            + " ".join(f"{found[unit]:10.1f}" if unit in found else f"{'':10}" for unit in UNITS),
            flush=True,
        )
        lines.append(line(what, name, n, found))
    if options.text:
        with open(options.text, "w") as f:
            print(*lines, sep="\n", file=f)


if __name__ == "__main__":
    main()
