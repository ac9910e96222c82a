"""What a library's operations cost, beside the floor and the strategy that it ships.

Rounds are outside: each is a process of its own, in which the subjects take turns, several times. A value is
the fastest turn of a process; the ratio is to the floor in the same process. Given is the median of ROUNDS
processes and, from the second least to the second greatest, its confidence interval.
"""

import gc
import json
import statistics
import subprocess
import sys
import timeit

from .subject import NotApplicable, load

ROUNDS, TURNS, SECONDS = 9, 5, 0.02
CONFIDENCE = "96 %"  # that the median is between the 2nd and the 8th of 9 values: 1 - 2 * (1 + 9) / 2**9
TABLE = "lifetimes bench"
SUITE = "pyobject_preservation"


def held(m):
    a = m.MyClass()
    return {"a": a, "r": m.MyClassRef(a)}


# What is timed, and the names that it uses.
OPERATIONS = {
    "create": ("MyClass()", lambda m: {"MyClass": m.MyClass}),
    "wrap live": ("r.get()", held),
    "wrap dead": ("r.get()", lambda m: {"r": m.MyClassRef(m.MyClass())}),
    "call": ("id()", lambda m: {"id": m.MyClass().id}),
}


class Failed(Exception):
    """A process that measures failed."""


def beside(ships):
    """{name: module} of the floor and a strategy; nothing where the suite is not installed."""
    try:
        import pyobject_preservation as pp
    except ImportError:
        return {}
    strategy = {ships: pp.strategy(ships)} if ships in pp.STRATEGIES else {}
    return {"floor": pp.reference("floor"), **strategy}


def worker(spec):
    """{operation: {name: seconds, or the reason why there are none}}"""
    subject = load(spec)
    modules = {**beside(subject.ships), subject.name: subject}
    gc.disable()
    found = {}
    for operation, (statement, prepare) in OPERATIONS.items():
        timers, found[operation] = {}, {}
        for name, m in modules.items():
            try:
                timer = timeit.Timer(statement, globals=prepare(m))
                timer.timeit(1)
            except (NotApplicable, AttributeError) as e:
                found[operation][name] = str(e)
                continue
            timers[name] = timer, calibrated(timer)
        turns = {name: [] for name in timers}
        for turn in range(TURNS):
            order = list(timers)
            for name in order[turn % len(order) :] + order[: turn % len(order)]:
                timer, n = timers[name]
                turns[name].append(timer.timeit(n) / n)
        found[operation] |= {name: min(values) for name, values in turns.items()}
    print(json.dumps(found))


def calibrated(timer):
    """How often the statement fits into SECONDS."""
    n = 1
    while (took := timer.timeit(n)) < SECONDS / 4:
        n *= 2
    return max(1, round(n * SECONDS / took))


def measure(subject):
    """The table of a subject, as text. Takes about a second a round. Raises Failed."""
    code = f"import sys; sys.path[:] = {sys.path!r}\nfrom lifetimes import bench; bench.worker({subject.spec!r})"
    rounds = []
    for _ in range(ROUNDS):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        if done.returncode:
            raise Failed(f"a process that measures ended with status {done.returncode}\n{done.stderr[-2000:]}")
        rounds.append(json.loads(done.stdout.splitlines()[-1]))
    return table(subject, rounds)


def table(subject, rounds):
    names = list(dict.fromkeys(name for r in rounds[:1] for by_name in r.values() for name in by_name))
    names.sort(key=lambda name: (name != subject.name, name != "floor"))
    rows, notes = [["", *names]], []
    for operation in OPERATIONS:
        row = [operation]
        for name in names:
            values = [r[operation][name] for r in rounds]
            if isinstance(values[0], str):
                notes.append(f"{operation}: {values[0]}")
                row.append("n/a")
                continue
            floors = [r[operation].get("floor") for r in rounds]
            text = nanoseconds(values)
            if name != "floor" and isinstance(floors[0], float):
                text += "  " + ratio([v / f for v, f in zip(values, floors)])
            row.append(text)
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["   ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
    lines += [
        "",
        f"medians of {ROUNDS} processes, with their {CONFIDENCE} confidence interval; × is the ratio to the floor",
    ]
    if "floor" not in names:
        lines.append(f"without the floor and the strategies: {SUITE} cannot be imported here")
    elif subject.ships and subject.ships not in names:
        lines.append(f"{SUITE} has no strategy called {subject.ships!r}")
    elif not subject.ships:
        lines.append("without a strategy: the adapter does not say which one the library ships")
    return "\n".join(lines + notes) + "\n"


def interval(values):
    values = sorted(values)
    return statistics.median(values), values[1], values[-2]


def nanoseconds(values):
    return "{:.0f} ns ({:.0f}-{:.0f})".format(*(1e9 * v for v in interval(values)))


def ratio(values):
    return "{:.2f}× ({:.2f}-{:.2f})".format(*interval(values))
