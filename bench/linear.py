"""Whether the time of n objects is n times that of one, from Python.

    python bench/linear.py [--max N] [--strategies A,B] [--save FILE]

For 10,000 objects, ten times as many, and so on up to --max: the time for one of them, and the exponent e
of time = c * n**e, by least squares of log time over log n. More than 1.1 is reported as not linear.

Each case of each size is in a fresh process, and each of its phases is timed once there: a small number of
objects is as cold as a large one. Time is processor time of all threads, Go's collector included and Python's
off; of several processes the best counts, because the machine's other work can only make it slower. A size that
would need more memory than there is, by the size before, is left out.

--save writes Go benchmark text with `lang: py`.
"""

import argparse
import collections
import gc
import itertools
import json
import math
import os
import resource
import subprocess
import sys
import time
import weakref

import pyobject_preservation as pp
from progress import Progress
from python_threads import gil

SMALLEST, LARGEST = 10_000, 10_000_000
LINEAR = 1.1
START = 100_000  # a process starts in about the time of so many objects
ROUNDS = 3  # processes of a size that takes a second; larger ones have one
MANY = 300_000


# ---- in the worker: cases are generators, which are timed from one name to the next ---------


def run(calls):
    collections.deque(calls, maxlen=0)


def held(m, n):
    refs = [m.MyClassRef(m.MyClass()) for _ in itertools.repeat(None, n)]
    yield "make"
    run(map(m.MyClassRef.get, refs))
    yield "wrap"
    run(map(m.MyClassRef.release, refs))
    yield "release"


def edges(m, n):
    parents, child = [m.MyClass() for _ in itertools.repeat(None, n)], m.MyClass()
    yield ""
    run(map(m.MyClass.append, parents, itertools.repeat(child)))
    yield "append"
    run(map(m.MyClass.remove, parents, itertools.repeat(child)))
    yield "remove"


def children(m, n):
    parent, some = m.MyClass(), [m.MyClass() for _ in itertools.repeat(None, n)]
    yield ""
    run(map(parent.append, some))
    yield "append"
    some.clear()
    yield "kill"
    del parent
    yield "drop"


def holders(m, n):
    a = m.MyClass()
    refs = [m.MyClassRef(a) for _ in itertools.repeat(None, n)]
    yield "make"
    run(map(m.MyClassRef.release, refs))
    yield "release"


def instances(m, n):
    class Sub(m.MyClass):
        pass

    made = []
    for _ in itertools.repeat(None, n):
        one = Sub()
        one.x = None
        made.append(one)
    del one
    yield "make"
    made.clear()
    yield "drop"


def weakrefs(m, n):
    objs = [m.MyClass() for _ in itertools.repeat(None, n)]
    refs = list(map(m.MyClassRef, objs))
    yield ""
    weak = list(map(weakref.ref, objs))
    yield "make"
    objs.clear()
    yield "kill"
    run(w() for w in weak)
    yield "call"
    weak.clear()
    yield "drop"
    refs.clear()


CASES = {
    "held": (held, "objects that native code holds: each made, held and dropped; all wrapped; all released"),
    "edges": (edges, "edges from n parents to one child"),
    "children": (
        children,
        "edges from one parent to n children: appended, dropped by Python, and dropped with the parent",
    ),
    "holders": (holders, "MyClassRefs of one object"),
    "instances": (instances, "instances of one Python subclass, with an attribute"),
    "weakrefs": (weakrefs, "weak references, one to each object that native code holds, and that Python drops"),
}
NEEDS_EDGES = "edges", "children"


def worker(case, name, n):
    """Seconds of each phase, and the most memory that the process had, in bytes."""
    m = pp.reference(name) if name in pp.REFERENCES else pp.strategy(name)
    gc.collect()
    gc.disable()
    before, spent = m.live_objects(), {}
    start = time.process_time()
    for phase in CASES[case][0](m, n):
        if phase:
            spent[phase] = time.process_time() - start
        start = time.process_time()
    getattr(m, "settle", int)()
    gc.collect()
    assert m.live_objects() == before, f"{case}: {name} leaves native objects behind"
    return {"spent": spent, "memory": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


# ---- in the parent ----------------------------------------------------------------------------


def exponent(times):
    """e of time = c * n**e, from {n: seconds}: the slope of log time over log n, by least squares. NaN of one size."""
    if len(times) < 2:
        return math.nan
    x, y = [math.log(n) for n in times], [math.log(t) for t in times.values()]
    middle, level = sum(x) / len(x), sum(y) / len(y)
    return sum((a - middle) * (b - level) for a, b in zip(x, y)) / sum((a - middle) ** 2 for a in x)


def available():
    """Bytes that a new process can have."""
    with open("/proc/meminfo") as f:
        return next(1024 * int(line.split()[1]) for line in f if line.startswith("MemAvailable"))


def child(case, name, n):
    done = subprocess.run(
        [sys.executable, __file__, "--worker", json.dumps([case, name, n])], stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(f"linear: {case} of {name} with {n:,} objects failed (exit code {done.returncode})")
    return json.loads(done.stdout)


def cells_of(names):
    """What is measured: (case, subject)."""
    lacking = {name for name in names if name in pp.REFERENCES and "Tree" in pp.reference(name).GUARANTEES["lacks"]}
    return [(case, name) for case in CASES for name in names if case not in NEEDS_EDGES or name not in lacking]


def measure(names, sizes):
    """{(case, subject): {phase: {n: seconds}}}, and {(case, subject, n): why it was left out}."""
    found, left_out = {}, {}
    jobs = [(n, cell) for n in sizes for cell in cells_of(names)]
    work = [rounds(n) * (START + n) for n, _ in jobs]
    progress, needs = Progress("linear"), {}
    for i, (n, (case, name)) in enumerate(jobs):
        progress.say(100 * sum(work[:i]) / sum(work), 100, f"% done, {case} of {name} with {n:,} objects begins")
        need, there = needs.get((case, name), 0) * n, available()
        if need > 0.8 * there:
            left_out[case, name, n] = f"needs about {need / 1e9:.0f} GB, and {there / 1e9:.0f} GB are available"
            continue
        results = [child(case, name, n) for _ in range(rounds(n))]
        needs[case, name] = results[0]["memory"] / n
        for phase in results[0]["spent"]:
            found.setdefault((case, name), {}).setdefault(phase, {})[n] = min(r["spent"][phase] for r in results)
    progress.say(100, 100, "% done")
    return found, left_out


def rounds(n):
    return ROUNDS if n <= MANY else 1


def table(case, found, left_out, names, sizes):
    """Markdown: a line for each phase and subject."""
    lines = [
        f"{case}: {CASES[case][1]}. Nanoseconds for one.\n",
        "| phase | strategy | " + " | ".join(f"{n:,}" for n in sizes) + " | exponent |",
        "|---" * (len(sizes) + 3) + "|",
    ]
    notes = [f"{name} with {n:,}: {why}" for (c, name, n), why in left_out.items() if c == case]
    for phase in next(phases for (c, _), phases in found.items() if c == case):
        for name in names:
            times = found.get((case, name), {}).get(phase)
            if times is None:
                lines.append(f"| {phase} | {name} |" + " n/a |" * (len(sizes) + 1))
                continue
            cells = [f"{1e9 * times[n] / n:.0f}" if n in times else "left out" for n in sizes]
            lines.append(f"| {phase} | {name} | " + " | ".join(cells) + f" | {said(times)} |")
    return "\n".join([*lines, *notes, ""])


def said(times):
    e = exponent(times)
    if math.isnan(e):
        return "n/a"
    return f"**{e:.2f}, not linear**" if e > LINEAR else f"{e:.2f}"


def verdict(found):
    """What is not linear, beside the floor's exponent of the same, and from which size to which: work that grows
    faster than the number does so everywhere, and what is full or too large for a cache makes one step."""
    lines = []
    for (case, name), phases in found.items():
        for phase, times in phases.items():
            if (e := exponent(times)) > LINEAR:
                base = found.get((case, "floor"), {}).get(phase)
                beside = f" (the floor: {exponent(base):.2f})" if base and name != "floor" else ""
                steps = ", ".join(f"{exponent(dict(pair)):.2f}" for pair in itertools.pairwise(times.items()))
                lines.append(f"* {case}, {phase}, {name}: {e:.2f}{beside}; from size to size {steps}")
    return "\n".join(["Not linear:\n", *lines]) if lines else f"Linear: no exponent is above {LINEAR}."


def save(path, found):
    with open(path, "w") as f:
        print("pkg: bench/linear.py", f"cpython: {' '.join(sys.version.split())}", "lang: py", sep="\n", file=f)
        for (case, name), phases in found.items():
            for phase, times in phases.items():
                for n, seconds in times.items():
                    print(
                        f"BenchmarkLinear/strategy={name}/do={case}-{phase}/objs={n} {n} {1e9 * seconds / n:.6g} ns/op",
                        file=f,
                    )


def main():
    parser = argparse.ArgumentParser(description="Whether the time of n objects is n times that of one.")
    parser.add_argument(
        "--max", type=int, default=LARGEST, help=f"the largest number of objects, {LARGEST} if not said"
    )
    parser.add_argument("--min", type=int, default=SMALLEST, help=argparse.SUPPRESS)
    parser.add_argument("--strategies", default="", help="names with commas between; the floor is always there")
    parser.add_argument("--save", metavar="FILE", help="where to write Go benchmark text")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return json.dump(worker(*json.loads(options.worker)), sys.stdout)
    asked = [name for name in options.strategies.split(",") if name]
    for name in asked:
        if name not in pp.STRATEGIES:
            parser.error(f"no strategy is called {name!r}; there are {', '.join(pp.STRATEGIES)}")
    sizes = [options.min * 10**i for i in range(10) if options.min * 10**i <= options.max]
    if len(sizes) < 2:
        parser.error(f"--max {options.max} leaves fewer than two sizes; the smallest is {options.min}")
    names = ["floor", *(asked or [name for name in pp.STRATEGIES if gil() or not pp.declaration(name)["needs_gil"]])]
    found, left_out = measure(names, sizes)
    print(f"CPython {sys.version.split()[0]}{sys.abiflags}, {os.cpu_count()} processors, processor time\n")
    for case in CASES:
        print(table(case, found, left_out, names, sizes))
    print(verdict(found))
    if options.save:
        save(options.save, found)


if __name__ == "__main__":
    main()
