"""Count the instructions of the suite's operations from Python.

    python bench/instructions.py --text FILE [--strategies A,B] [--libraries C,D] [--operations E,F]
    python bench/instructions.py --promise      # count what is promised, and promise that

Valgrind's cachegrind counts what a process executes and says so when it ends. A process
that has loaded everything forks once for each operation and strategy. This child has one
thread: none of Go's is in it, nor Go's collector. Where the timed benchmarks read the clock, the
child forks again and the grandchild ends at once: that is a reading of the counter. What is
between two readings is counted exactly, but for the reading itself, which is the same each
time and is subtracted.

A loop is counted at two lengths, and the difference is divided by the difference of operations: this
leaves out what is before and after the loop. A batch that times itself is compared with an empty one.

What depends on where in its pools CPython's allocator happens to be is not a property
of the operation. So all pools that are there are filled first, and of each length the least of several counts is taken,
between which small objects of every size are made and kept.

Writes Go benchmark text with `lang: py` (`py+<library>` for a library): one line for each
count, with the unit instructions/op. `Uncounted` lines say why there is none.
"""

import argparse
import contextlib
import ctypes
import gc
import json
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings

import pyobject_preservation as pp
import pyperf
import python_cases
from progress import Progress
from python_bench import check, configuration, module, stats
from python_cases import CASES, UNROLL, Loop

HERE = os.path.dirname(os.path.abspath(__file__))
# Loops of the two lengths, whose difference makes 200 batches of native objects.
WARM, SHORT, LONG = 32, 96, 736
LAYOUTS = 3
# After so many seconds of a processor's, or of time, a count is given up.
PROCESSOR_SECONDS, SECONDS = 120, 900

PROMISES = os.path.join(HERE, "promises.json")
PROMISED = {
    "operations": [
        "WrapLive",
        "WrapDead",
        "Create",
        "CreateList/objs=10000",
        "Replace/objs=5000",
        "CreateSubclass",
        "Call",
    ],
    "strategies": ["preserve", "toggleref", "mirrored", "intrusive"],
}
TOLERANCE = 0.03

WAITING = "threads that wait for each other: how often they do depends on time"
LARGE = "so many objects take minutes under valgrind"


# ---- in the process that is counted -------------------------------------------------------


class Readings:
    """Takes the place of the clock. A reading is the process that ended to make it."""

    def __init__(self):
        self.pids = []

    def __call__(self):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        self.pids.append(pid)
        return len(self.pids)

    def last(self):
        """Those around what was run last."""
        return len(self.pids) - 2, len(self.pids) - 1


def shift():
    """One small object of every size that CPython's allocator distinguishes."""
    return [object(), 1 << 40, *map(bytes, range(0, 480, 16))]


def count(case, m):
    """All readings, and [more, less, operations] for each count: readings around two runs that differ
    by so many operations."""
    gc.collect()  # an allocation is longer when more than gc's threshold were made since the last collection
    read = pyperf.perf_counter = time.perf_counter_ns = Readings()
    names, run = case.start(m)
    before = stats(m)
    counts, kept, done = [], [], 0

    def executed(n):
        nonlocal done
        result = run(n)
        done += n * UNROLL if isinstance(case, Loop) else result[1]
        return read.last()

    if isinstance(case, Loop):
        executed(WARM)
        for _ in range(LAYOUTS):
            less = executed(SHORT)
            counts.append([executed(LONG), less, (LONG - SHORT) * UNROLL])
            kept.append(shift())
    else:
        if case.reps > 1:
            executed(1)
        for _ in range(min(case.reps, LAYOUTS)):
            read(), read(), read()
            empty, start = read.last(), done
            counts.append([executed(1), empty, done - start])
            kept.append(shift())
    check(case, m, names, done, before)
    return {"readings": read.pids, "counts": counts}


def in_child(work):
    """What work returns in a child of this process, or why there is nothing."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS, PROCESSOR_SECONDS))
            signal.alarm(SECONDS)
            os.write(writer, json.dumps(work()).encode())
        except BaseException as e:
            os.write(writer, json.dumps(f"{type(e).__name__}: {e}").encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as f:
        answer = f.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return json.loads(answer) if answer else f"the process ended with status {status}"


def worker(plan):
    gc.disable()
    # The package prepares forks for the threads that are there.
    warnings.simplefilter("ignore", DeprecationWarning)
    modules = {name: module(name) for name in plan["subjects"]}
    read = Readings()
    for _ in range(10):  # so that the interpreter has specialized its code
        read()
    # A pool with room for one object would be filled by each.
    filled = [shift() for _ in range(2000)]  # noqa: F841
    gc.freeze()
    for index, strategy in plan["cells"]:
        case, m = CASES[index], modules[strategy]

        def work():
            return None if python_cases.absent(case, m) else count(case, m)

        outcome = in_child(work)
        if isinstance(outcome, str):  # Go's threads can be busy during a fork: see python/fork.c
            outcome = in_child(work)
        print(json.dumps([index, strategy, outcome]), flush=True)


# ---- in the parent --------------------------------------------------------------------------


def missing():
    """Why nothing can be counted here, or "" if it can."""
    if not shutil.which("valgrind"):
        return "valgrind is missing; on Debian or Ubuntu: apt-get install valgrind"
    return ""


def fix_addresses():
    """For processes that are started from now on, as setarch -R does."""
    no_randomize = 0x0040000
    if ctypes.CDLL(None).personality(no_randomize) == -1:
        print("instructions: addresses stay random: personality(2) is not permitted", file=sys.stderr)


class Worker:
    """A process under cachegrind, and what it has counted: by (case, strategy) a number, or the reason as text."""

    def __init__(self, subjects, cells, finished):
        self.counts, self.cells, self.outcomes = {}, cells, []
        self.log = tempfile.NamedTemporaryFile("r", prefix="instructions-", suffix=".log")
        self.process = subprocess.Popen(
            [
                "valgrind",
                "--tool=cachegrind",
                "--cache-sim=no",
                "--cachegrind-out-file=/dev/null",
                f"--log-file={self.log.name}",
                sys.executable,
                __file__,
                "--worker",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0", "GOGC": "off"},
        )
        with contextlib.suppress(BrokenPipeError):  # its status says more
            self.process.stdin.write(json.dumps({"subjects": subjects, "cells": cells}))
            self.process.stdin.close()
        self.thread = threading.Thread(target=self.listen, args=(finished,))
        self.thread.start()

    def listen(self, finished):
        for line in self.process.stdout:
            self.outcomes.append(json.loads(line))
            finished()

    def join(self):
        self.thread.join()
        status = self.process.wait()
        log = self.log.read()
        self.log.close()
        # In the order in which processes ended: a system that runs for long uses their numbers again.
        executed = (
            (int(pid), int(n.replace(",", ""))) for pid, n in re.findall(r"^==(\d+)== I +refs: +([\d,]+)", log, re.M)
        )

        for index, strategy, outcome in self.outcomes:
            if isinstance(outcome, dict):
                at = [next(n for pid, n in executed if pid == reading) for reading in outcome["readings"]]
                # What happens once adds to a run, so the least of either length is without it.
                more = min(at[b] - at[a] for (a, b), _, _ in outcome["counts"])
                less = min(at[d] - at[c] for _, (c, d), _ in outcome["counts"])
                n = outcome["counts"][0][2]
                outcome = (more - less) / n, n
            self.counts[index, strategy] = outcome
        for index, strategy in self.cells:
            self.counts.setdefault((index, strategy), f"its process under valgrind ended with status {status}")
        return self.counts


def cells_of(subjects, operations=None):
    """Operations are names, or names with keys; none are all."""
    return [
        (i, s)
        for i, case in enumerate(CASES)
        for s in subjects
        if not operations or case.name in operations or case.name + case.keys in operations
    ]


def uncountable(cell):
    """Why a case is not counted with any subject, "" if it is."""
    case = CASES[cell[0]]
    if case.keys in ("/threads=2", "/threads=4"):
        return WAITING
    return LARGE if case.large else ""


def countable(cell):
    return not uncountable(cell)


def counted(subjects, operations=None, jobs=1, finished=lambda: None):
    """By (case, subject): (instructions an operation, operations), or why they are not counted, as text."""
    wanted = cells_of(subjects, operations)
    cells = list(filter(countable, wanted))
    lock = threading.Lock()

    def another():
        with lock:
            finished()

    fix_addresses()
    found = {cell: uncountable(cell) for cell in wanted}
    for w in [Worker(subjects, part, another) for n in range(jobs) if (part := cells[n::jobs])]:
        found |= w.join()
    return {cell: outcome for cell, outcome in found.items() if outcome is not None}


def failure(counts):
    """What ought to have been counted and is not: how much that is, and the first of it; "" if there is nothing."""
    failed = [
        f"{name(*cell)}: {outcome}"
        for cell, outcome in counts.items()
        if isinstance(outcome, str) and outcome not in (WAITING, LARGE)
    ]
    return f"{len(failed)} not counted, first {failed[0]}" if failed else ""


def name(index, strategy):
    return f"Benchmark{CASES[index].name}/strategy={strategy}{CASES[index].keys}"


class Record:
    """The counts of several languages as Go benchmark text."""

    def __init__(self):
        self.lines = [
            "Unit instructions/op assume=exact better=lower",
            *(f"{key}: {value}" for key, value in configuration().items()),
        ]

    def add(self, lang, counts):
        self.lines.append(f"lang: {lang}")
        for (index, strategy), outcome in counts.items():
            if isinstance(outcome, str):
                self.lines.append(f"Uncounted {lang} {name(index, strategy)}: {' '.join(outcome.split())}")
            else:
                instructions, n = outcome
                self.lines.append(f"{name(index, strategy)} {n} {instructions:.1f} instructions/op")

    def write(self, path):
        with open(path, "w") as f:
            print(*self.lines, sep="\n", file=f)


# ---- promises -----------------------------------------------------------------------------------


def interpreter():
    """What promises are made for: they depend on CPython's version, its build and the machine code."""
    return f"{platform.python_version()}{sys.abiflags} {platform.machine()}"


def promises():
    """By operation and strategy the promised ratio to the floor; None if this interpreter has no promises."""
    with open(PROMISES) as f:
        return json.load(f).get(interpreter())


def jobs():
    return min(2, os.cpu_count() or 1)


def broken(promised, ratios):
    """The promises that do not hold, each with both figures."""
    return [
        f"{operation} of {s} executes {ratios[operation][s]:.3f} times the instructions of the floor, "
        f"promised are {ratio}, and {TOLERANCE:.0%} more at most"
        for operation, by_strategy in promised.items()
        for s, ratio in by_strategy.items()
        if ratios[operation][s] > ratio * (1 + TOLERANCE)
    ]


class NotCounted(Exception):
    pass


def promised_ratios():
    """What is counted now of what is promised, in the same form."""
    counts = counted(["floor", *PROMISED["strategies"]], PROMISED["operations"], jobs())
    if failed := failure(counts):
        raise NotCounted(failed)
    by_name = {(CASES[i].name + CASES[i].keys, s): outcome[0] for (i, s), outcome in counts.items()}
    return {
        operation: {s: by_name[operation, s] / by_name[operation, "floor"] for s in PROMISED["strategies"]}
        for operation in PROMISED["operations"]
    }


def promise():
    """Promise what is counted now, for this interpreter."""
    with open(PROMISES) as f:
        everyone = json.load(f)
    everyone[interpreter()] = {
        operation: {s: round(ratio, 3) for s, ratio in ratios.items()}
        for operation, ratios in promised_ratios().items()
    }
    with open(PROMISES, "w") as f:
        json.dump(everyone, f, indent=1)
        f.write("\n")


def main():
    parser = argparse.ArgumentParser(description="Count the instructions of the suite's operations from Python.")
    parser.add_argument("--text", help="where to write Go benchmark text")
    parser.add_argument("--strategies", help="names with commas between; floor and baseline are always there")
    parser.add_argument("--libraries", help="names with commas between, as matrix/subjects has them")
    parser.add_argument("--operations", help="names with commas between, as python_cases.py has them")
    parser.add_argument("--jobs", type=int, default=jobs(), help="processes at a time")
    parser.add_argument(
        "--promise", action="store_true", help="write promises.json for this interpreter, and nothing else"
    )
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(json.load(sys.stdin))
    if options.promise:
        return sys.exit(f"instructions: {why}") if (why := missing()) else promise()
    if not options.text:
        parser.error("--text is needed")

    def asked(text, there, what):
        names = [n for n in (text or "").split(",") if n]
        for n in names:
            if n not in there:
                parser.error(f"no {what} is called {n!r}; there are {', '.join(there)}")
        return names

    strategies = [*pp.REFERENCES, *(asked(options.strategies, pp.STRATEGIES, "strategy") or pp.STRATEGIES)]
    operations = asked(options.operations, list(dict.fromkeys(case.name for case in CASES)), "operation")
    record = Record()
    if why := missing():
        print(f"instructions: not counted: {why}", file=sys.stderr)
        record.lines.append(f"Uncounted py: {why}")
        return record.write(options.text)
    libraries = list(filter(None, (options.libraries or "").split(",")))
    progress, done = Progress("instructions"), 0
    total = sum(
        map(countable, cells_of([*strategies, *(n for n in libraries if not library(n).uncounted)], operations))
    )

    def finished():
        nonlocal done
        done += 1
        progress.say(done, total, "counted")

    ours = counted(strategies, operations, options.jobs, finished)
    record.add("py", ours)
    for lib in libraries:
        # Counts of different processes are comparable, so the floor and the strategy need no second count.
        beside = {cell: outcome for cell, outcome in ours.items() if cell[1] in ("floor", library(lib).ships)}
        if why := library(lib).uncounted:
            theirs = dict.fromkeys(cells_of([lib], operations), why)
        else:
            theirs = counted([lib], operations, 1, finished)
        if failed := failure(theirs):
            print(f"instructions: {lib}: {failed}", file=sys.stderr)
        record.add(f"py+{lib}", beside | theirs)
    for operation, ratios in (promises() or {}).items():
        name_only, slash, keys = operation.partition("/")
        record.lines += [
            f"Promise py Benchmark{name_only}/strategy={s}{slash}{keys}: {ratio}" for s, ratio in ratios.items()
        ]
    record.write(options.text)
    if failed := failure(ours):
        raise NotCounted(failed)


def library(name):
    import subjects

    return subjects.load(name).adapter


if __name__ == "__main__":
    try:
        main()
    except NotCounted as e:
        sys.exit(f"instructions: {e}")
