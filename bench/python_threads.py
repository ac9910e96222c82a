"""Measure operations of several threads at once, with the GIL and, where there is a choice, without.

    python bench/python_threads.py [--rounds N] [--target S] [--strategies A,B] [--text FILE]

What is done: wrap with the wrapper alive, wrap of a wrapper that Python has dropped, create,
hold (a MyClassRef is made and dropped), each thread on an object of its own or all on one; and
churn, where each thread makes objects and the next one drops them.

A round is a fresh process, in which each operation is measured for every strategy and the
floor, one after the other. All threads leave a barrier at once. Reported is the best of all
rounds, because the machine's other work can only make it slower.

ns is processor time for an operation, which other work on the machine hardly changes: where
threads do not hinder each other it is the same for any number of them. scale is how much more
all threads do than one in the same time, from the first start to the last end; it needs as
many processors as threads, and nothing else to run on them. The last table, "machine", has the
scale of threads that share nothing: the limit of the machine, which is below the number of
processors where two share a core.

A free-threaded CPython is measured twice, without the GIL and with it.
"""

import argparse
import functools
import gc
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time

import pyobject_preservation as pp

THREADS = 1, 2, 4
UNROLL = 10
BATCH = 50  # objects that a thread passes on at once


def gil():
    return getattr(sys, "_is_gil_enabled", lambda: True)()


# ---- what is timed: prepare(m) gives the names of a statement -----------------------------


def live(m):
    a = m.MyClass()
    return {"get": m.MyClassRef(a).get, "a": a}


def dead(m):
    return {"get": m.MyClassRef(m.MyClass()).get}


def hold(m):
    return {"MyClassRef": m.MyClassRef, "a": m.MyClass()}


def create(m):
    return {"MyClass": m.MyClass}


def machine(m):
    """Threads that share nothing and do not enter Python for microseconds: what the machine can do."""
    return {"digest": hashlib.sha256, "data": bytes(4096)}


CASES = {  # name: (statement, prepare, whether all threads work on one object)
    "private/live": ("get()", live, False),
    "private/dead": ("get()", dead, False),
    "private/create": ("MyClass()", create, False),
    "private/hold": ("MyClassRef(a)", hold, False),
    "shared/live": ("get()", live, True),
    "shared/dead": ("get()", dead, True),
    "shared/hold": ("MyClassRef(a)", hold, True),
    "churn": (None, create, False),
    "machine": ("digest(data)", machine, False),  # for the floor alone
}


@functools.cache
def loop(statement):
    """run(n, **names): the statement n times UNROLL. CPython 3.13 without the GIL never frees it, nor its defaults."""
    body = "\n".join([f"        {statement}"] * UNROLL)
    names = re.findall(r"[A-Za-z]+", statement)
    space = {"repeat": itertools.repeat}
    exec(
        f"def run(n, *, {', '.join(names)}, a=None):\n    for _ in repeat(None, n):\n{body}\n".replace(
            ", a, a=None", ", a"
        ),
        space,
    )
    return space["run"]


def passing(i, boxes, MyClass):
    """Make objects, pass them to the next thread, and drop what the one before has made."""
    mine, following = boxes[i], boxes[(i + 1) % len(boxes)]

    def run(n):
        for _ in range(-(-n * UNROLL // BATCH)):
            following.append([MyClass() for _ in range(BATCH)])
            while len(mine) > 4:
                mine.pop().clear()
        while mine:
            mine.pop().clear()

    return run


# ---- in the worker --------------------------------------------------------------------------


def crew(m, name, threads):
    """A function for each thread, which that thread calls: it makes its objects, as their counts are
    biased towards the thread that made them, and returns what is timed. A shared object is made by the
    first thread."""
    statement, prepare, together = CASES[name]
    if statement is None:
        boxes = [[] for _ in range(threads)]
        return [functools.partial(passing, i, boxes, m.MyClass) for i in range(threads)]
    shared = []

    def first():
        shared.append(prepare(m))
        return functools.partial(loop(statement), **shared[0])

    def other():
        while together and not shared:
            time.sleep(0)
        return functools.partial(loop(statement), **(shared[0] if together else prepare(m)))

    return [first] + [other] * (threads - 1)


def timed(crew, n):
    """The functions, each in a thread of its own: (seconds from the first start to the last end, a thread's processor time)."""
    arrived, spans = [0] * len(crew), [None] * len(crew)

    def work(i, prepare):
        run = prepare()
        run(1)
        arrived[i] = 1
        spins = 0
        while not all(arrived):
            spins += 1
            if spins > 1000:
                time.sleep(0)
        start, used = time.perf_counter(), time.thread_time()
        run(n)
        spans[i] = start, time.perf_counter(), time.thread_time() - used

    if len(crew) == 1:
        work(0, crew[0])
    else:
        threads = [threading.Thread(target=work, args=(i, prepare)) for i, prepare in enumerate(crew)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    starts, ends, used = zip(*spans)
    return max(ends) - min(starts), sum(used) / len(used)


def worker(plan):
    gc.collect()
    gc.disable()
    modules = {n: pp.reference(n) if n in pp.REFERENCES else pp.strategy(n) for n in plan["strategies"]}
    threading.Thread(target=int).start()  # a CPython without the GIL changes its ways with the first thread
    loops, found = plan["loops"], []
    for case in CASES:
        for threads in THREADS:
            for name, m in modules.items():
                if case == "machine" and name != "floor":
                    continue
                key = f"{case} {name}"
                if key not in loops:
                    loops[key] = calibrate(m, case, plan["target"])
                    settle(m)
                before = m.live_objects()
                took = [timed(crew(m, case, threads), loops[key]) for _ in range(plan["turns"])]
                found.append((name, case, threads, *[min(t) / (loops[key] * UNROLL) for t in zip(*took)]))
                settle(m)
                assert m.live_objects() == before, f"{case}: {name} leaves native objects behind"
    return {"loops": loops, "found": found, "gil": gil()}


def settle(m):
    for _ in range(3):  # what one thread has dropped may wait for another, which has ended
        getattr(m, "settle", int)()
        gc.collect()


def calibrate(m, case, target):
    n = 10
    while timed(crew(m, case, 1), n)[1] < target / 4:
        n *= 2
    took = timed(crew(m, case, 1), n)[1]
    return max(10, round(n * target / took))


# ---- in the parent ----------------------------------------------------------------------------


def measure(options, strategies, flags):
    """{(strategy, case, threads): (seconds, processor seconds) of an operation}, and whether the GIL was on."""
    plan = {"strategies": strategies, "loops": {}, "target": options.target, "turns": options.turns}
    best = {}
    for n in range(options.rounds):
        done = subprocess.run(
            [sys.executable, *flags, __file__, "--worker"], input=json.dumps(plan), stdout=subprocess.PIPE, text=True
        )
        if done.returncode:
            sys.exit(f"a worker failed (exit code {done.returncode})")
        result = json.loads(done.stdout)
        plan["loops"] = result["loops"]
        for *key, seconds, used in result["found"]:
            known = best.get(tuple(key), (seconds, used))
            best[tuple(key)] = min(seconds, known[0]), min(used, known[1])
        print(f"threads: round {n + 1} of {options.rounds}", file=sys.stderr)
    return best, result["gil"]


def table(best, strategies, case):
    """Markdown: processor ns and the ratio to the floor for each number of threads, and the scale."""
    lines = [
        f"| {case} | "
        + " | ".join(f"{t} thread{'s' * (t > 1)}, ns" for t in THREADS)
        + " | "
        + " | ".join(f"scale {t}" for t in THREADS[1:])
        + " |",
        "|---" * (2 * len(THREADS)) + "|",
    ]
    for name in strategies:
        ns = [1e9 * best[name, case, t][1] for t in THREADS]
        base = [1e9 * best["floor", case, t][1] for t in THREADS]
        cells = [f"{n:.1f}" + (f" ({n / b:.2f}×)" if name != "floor" else "") for n, b in zip(ns, base)]
        one = best[name, case, 1][0]
        cells += [f"{t * one / best[name, case, t][0]:.2f}" for t in THREADS[1:]]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Measure operations of several threads at once.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turns", type=int, default=15, help="how often in a round")
    parser.add_argument("--target", type=float, default=0.001, help="seconds that one thread takes for each")
    parser.add_argument("--strategies", help="names with commas between; the floor is always there")
    parser.add_argument("--text", help="where to write Go benchmark text")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return json.dump(worker(json.load(sys.stdin)), sys.stdout)
    asked = [n for n in (options.strategies or "").split(",") if n]
    for name in set(asked) - set(pp.STRATEGIES):
        parser.error(f"no strategy is called {name!r}; there are {', '.join(pp.STRATEGIES)}")
    text = []
    for flags in (("-X", "gil=0"), ("-X", "gil=1")) if "t" in sys.abiflags else ((),):
        off = "gil=0" in flags
        strategies = [n for n in asked or pp.STRATEGIES if not (off and pp.declaration(n)["needs_gil"])]
        best, on = measure(options, ["floor", *strategies], flags)
        assert on != off, "a module has turned the GIL on"
        print(
            f"\nCPython {sys.version.split()[0]}{sys.abiflags}, GIL {'off' if off else 'on'}, {os.cpu_count()} processors, "
            f"best of {options.rounds} × {options.turns}\n"
        )
        for case in CASES:
            print(table(best, ["floor", *(strategies if case != "machine" else ())], case) + "\n")
        text += ["", f"lang: py, gil={int(on)}"]
        text += [
            f"BenchmarkThreads/strategy={name}/do={case.replace('/', '-')}/threads={threads} 1 "
            f"{1e9 * seconds:.6g} ns/op {1e9 * used:.6g} cpu-ns/op"
            for (name, case, threads), (seconds, used) in best.items()
        ]
    if options.text:
        with open(options.text, "w") as f:
            print(f"pkg: bench/python_threads.py\ncpython: {' '.join(sys.version.split())}", *text, sep="\n", file=f)


if __name__ == "__main__":
    main()
