"""Measure the suite's operations from Python.

    python bench/python_bench.py --text FILE --json FILE [--rounds N] [--seconds S] [--libraries A,B]

Rounds are outside, strategies inside: each round is a fresh process, with its own
hash seed and addresses, and in it each operation is measured for all strategies
one after the other, several times, each time beginning with another one. What
is slow about a moment or about a process is slow for all of them. Python's
automatic collections are off while anything is timed.

A binding library gets a process of its own in every round, in which it takes
turns with the floor and with the strategy that it ships, so that ratios are of one
process there, too. Its lines have `lang: py+<library>`.

Writes pyperf JSON (all values), and Go benchmark text with `lang: py` (one line a
round, the median of its values), in which everything is one configuration as
benchstat sees it.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc

import pyobject_preservation as pp
import pyperf
import python_cases
import workload
from progress import Progress
from python_cases import CASES, UNROLL, Loop

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "matrix"))
MEMORY_OBJS = 50_000


# ---- in the worker ------------------------------------------------------------------


class Library:
    """The adapter of a library, with what it declares to the matrix as its guarantees."""

    def __init__(self, name):
        import subjects

        library = subjects.load(name)

        def holds(property_id):
            return library.expected(property_id)[0] == "holds"

        self.__name__, self._module, self.unmeasured = name, library.module, library.adapter.unmeasured
        self.lacks, self.lacking = library.lacks, library.lacking
        self.GUARANTEES = {
            "identity": holds("I2"),
            "weakref": holds("W1"),
            "with attributes": [holds("I2"), holds("I2")],  # the probe's object carries one
            "breaks": () if holds("I3") else ("I3",),
        }

    def __getattr__(self, name):
        return getattr(self._module, name)


def module(name):
    if name in pp.REFERENCES:
        return pp.reference(name)
    return pp.strategy(name) if name in pp.STRATEGIES else Library(name)


def probe(m):
    """(identity, weakref) as kept for good; fails if not as declared."""
    *once, identity, weak = workload.probe(m)
    said = m.GUARANTEES.get("with attributes") or [m.GUARANTEES["identity"], m.GUARANTEES["weakref"]]
    assert once == said, f"{m.__name__}: (identity, weakref) measured {once}, declared {said}"
    assert once == [identity, weak] or "I3" in m.GUARANTEES["breaks"], f"{m.__name__} keeps the wrapper once only"
    return identity, weak


def calibrate(run, target):
    n = 1
    while run(n) < target / 4:
        n *= 2
    took = run(n)
    return max(1, round(n * target / max(took, 1e-9)))


def measure(case, modules, loops, target, turns):
    """By strategy: seconds an operation, how many operations, and what else to report."""
    subjects = {}
    for name, m in modules.items():
        getattr(m, "settle", int)()
        before = m.live_objects()
        key = f"{case.name}{case.keys} {name}"
        if isinstance(case, Loop) and key not in loops:
            loops[key] = calibrate(case.start(m)[1], target)
        names, run = case.start(m)
        subjects[name] = m, before, names, run, loops.get(key, 1), stats(m)
    values = {name: [] for name in modules}
    operations, extra = dict.fromkeys(modules, 0), {}
    order = list(modules)
    for rep in range(min(turns, case.reps)):
        turn = rep % len(order)
        for name in order[turn:] + order[:turn]:
            m, before, names, run, n, _ = subjects[name]
            took = run(n)
            if isinstance(case, Loop):
                seconds, done = took, n * UNROLL
            else:
                seconds, done = took
            values[name].append(seconds / done)
            operations[name] += done
    for name in order:
        m, before, names, run, n, counted = subjects.pop(name)
        check(case, m, names, operations[name], counted)
        extra[name] = case.extra(names) if case.extra else {}
        names.clear()
        del run
        getattr(m, "settle", int)()
        gc.collect()
        assert m.live_objects() == before, f"{case.name}: {name} leaves native objects behind"
    return values, operations, extra


def stats(m):
    return m.stats() if hasattr(m, "stats") else None


def check(case, m, names, n, before):
    if before and case.moved:
        after = stats(m)
        case.moved(m, n, {key: after[key] - before[key] for key in after})
    if case.check:
        case.check(names, n)


def worker(plan):
    gc.collect()
    gc.disable()
    modules = {name: module(name) for name in plan["strategies"]}
    loops, results = plan["loops"], []
    for case in CASES:
        if plan["calibrate"] and not isinstance(case, Loop) or case.large and not plan["large"]:
            continue
        having, reasons = {}, {}
        for name, m in modules.items():
            why = python_cases.absent(case, m)
            if why:
                reasons[name] = why
            else:
                having[name] = m
        values, operations, extra = {}, {}, {}
        for together in [{name: m} for name, m in having.items()] if case.alone else [having]:
            v, o, e = measure(case, together, loops, plan["target"], plan["turns"])
            values, operations, extra = values | v, operations | o, extra | e
        kept = {name: probe(m) for name, m in having.items()}
        results.append(
            {
                "name": case.name,
                "keys": case.keys,
                "values": values,
                "operations": operations,
                "kept": kept,
                "extra": extra,
                "absent": reasons,
            }
        )
    metadata = pyperf.Run([1.0]).get_metadata()
    for private in "hostname", "python_executable":  # of the machine, and nothing to the figures
        metadata.pop(private, None)
    return {"loops": loops, "results": results, "metadata": metadata}


def memory(name):
    """Bytes a native-held object takes, the MyClassRef that holds it included."""
    m = module(name)
    gc.disable()
    warm = workload.hold(m, 1000)
    slots = [None] * MEMORY_OBJS
    rss = resident()
    slots[:] = workload.hold(m, MEMORY_OBJS)
    rss = resident() - rss
    tracemalloc.start(1)
    before = tracemalloc.get_traced_memory()[0]
    more = workload.hold(m, MEMORY_OBJS)
    traced = tracemalloc.get_traced_memory()[0] - before - sys.getsizeof(more)
    tracemalloc.stop()
    assert len(warm) + len(slots) + len(more) == 1000 + 2 * MEMORY_OBJS
    return {"py-bytes/obj": traced / MEMORY_OBJS, "rss-bytes/obj": max(0, rss) / MEMORY_OBJS, "kept": probe(m)}


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# ---- in the parent --------------------------------------------------------------------


class WorkerFailed(Exception):
    pass


def child(*arguments, plan=None):
    done = subprocess.run(
        [sys.executable, __file__, *arguments], input=json.dumps(plan), stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise WorkerFailed(f"a worker failed (exit code {done.returncode})")
    return json.loads(done.stdout)


def benchmark_line(name, iterations, metrics):
    return " ".join([f"Benchmark{name}", str(iterations)] + [f"{v:.6g} {u}" for u, v in metrics.items()])


class Record:
    """All that was measured, for both formats."""

    def __init__(self):
        self.runs, self.lines, self.absent = {}, {}, {}

    def round(self, outcome, lang="py"):
        for r in outcome["results"]:
            for strategy, values in r["values"].items():
                name = f"{r['name']}/strategy={strategy}{r['keys']}"
                identity, weak = r["kept"][strategy]
                self.add(name, values, "second", outcome["metadata"], lang)
                self.line(
                    lang,
                    benchmark_line(
                        name,
                        r["operations"][strategy],
                        {"ns/op": 1e9 * statistics.median(values), "identity": identity, "weakref": weak}
                        | r["extra"][strategy],
                    ),
                )
            for strategy, why in r["absent"].items():
                self.absent[lang, f"{r['name']}/strategy={strategy}{r['keys']}"] = why

    def memory(self, strategy, found, lang="py"):
        name = f"Memory/strategy={strategy}/objs={MEMORY_OBJS}"
        identity, weak = found.pop("kept")
        for unit, value in found.items():
            if value:  # pyperf takes no zero
                self.add(f"{name} {unit.split('-')[0]}", [value], "byte", {}, lang)
        self.line(lang, benchmark_line(name, MEMORY_OBJS, found | {"identity": identity, "weakref": weak}))

    def line(self, lang, text):
        self.lines.setdefault(lang, []).append(text)

    def add(self, name, values, unit, metadata, lang):
        name = name if lang == "py" else f"{lang} {name}"
        metadata = {**metadata, "name": name, "unit": unit}
        run = pyperf.Run([float(f"{v:.5g}") for v in values], metadata=metadata, collect_metadata=False)
        self.runs.setdefault(name, []).append(run)

    def write(self, text, json_path):
        with open(text, "w") as f:
            for unit in "identity", "weakref", "attributes", "override":
                print(f"Unit {unit} assume=exact better=higher", file=f)
            for unit in "py-bytes/obj", "rss-bytes/obj":
                print(f"Unit {unit} better=lower", file=f)
            for key, value in configuration().items():
                print(f"{key}: {value}", file=f)
            for (lang, name), why in self.absent.items():
                print(f"Absent {lang} Benchmark{name}: {why}", file=f)
            for lang, lines in self.lines.items():
                print(f"lang: {lang}", *lines, sep="\n", file=f)
        suite = pyperf.BenchmarkSuite([pyperf.Benchmark(runs) for runs in self.runs.values()])
        suite.dump(json_path, replace=True)


def configuration():
    return {
        "pkg": "bench/python_bench.py",
        "cpython": " ".join(sys.version.split()),
        "starter": "python",
        "cpu": pyperf.Run([1.0]).get_metadata().get("cpu_model_name", "unknown"),
        "commit": os.environ.get("PP_COMMIT", "unknown"),
    }


class Beside:
    """A library's part of each round: with the floor and the strategy that it ships, in one process."""

    def __init__(self, name, plan):
        import subjects

        library = subjects.load(name)
        self.name, self.lang, self.failed = name, f"py+{name}", False
        self.memory_absent = library.adapter.unmeasured.get("Memory")
        self.plan = {**plan, "strategies": ["floor", *[s for s in pp.STRATEGIES if s == library.ships], name]}

    def calibrate(self):
        self.guarded(
            lambda: self.plan.update(
                loops=child("--worker", plan={**self.plan, "calibrate": True, "turns": 1})["loops"], calibrate=False
            )
        )

    def round(self, record, memory):
        self.guarded(lambda: record.round(child("--worker", plan=self.plan), self.lang))
        if self.memory_absent:
            record.absent[self.lang, f"Memory/strategy={self.name}/objs={MEMORY_OBJS}"] = self.memory_absent
        for one in self.plan["strategies"] if memory else ():
            if one != self.name or not self.memory_absent:
                self.guarded(lambda: record.memory(one, child("--memory", one), self.lang))

    def guarded(self, work):
        """A library that fails is left out from then on, and does not stop the others."""
        if self.failed:
            return
        try:
            work()
        except WorkerFailed as e:
            self.failed = True
            print(f"python: {self.name}: {e}; it is not measured any more", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description="Measure the suite's operations from Python.")
    parser.add_argument("--text", help="where to write Go benchmark text")
    parser.add_argument("--json", help="where to write pyperf JSON")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=120, help="begin no round after this many")
    parser.add_argument("--least", type=int, default=6, help="rounds to do in any case")
    parser.add_argument("--target", type=float, default=0.002, help="seconds a timed loop takes")
    parser.add_argument("--turns", type=int, default=5, help="timed loops of an operation within a round")
    parser.add_argument("--memory-rounds", type=int, default=6, help="rounds that measure memory, too")
    parser.add_argument("--large-rounds", type=int, default=0, help="rounds that measure a million objects, too")
    parser.add_argument("--strategies", help="names with commas between; floor and baseline are always there")
    parser.add_argument("--libraries", help="names with commas between, as matrix/subjects has them")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return json.dump(worker(json.load(sys.stdin)), sys.stdout)
    if options.memory:
        return json.dump(memory(options.memory), sys.stdout)
    if not options.text or not options.json:
        parser.error("--text and --json are needed")

    strategies = [*pp.REFERENCES, *pp.STRATEGIES]
    if options.strategies:
        asked = options.strategies.split(",")
        for name in set(asked) - set(strategies):
            parser.error(f"no strategy is called {name!r}; there are {', '.join(pp.STRATEGIES)}")
        strategies = [s for s in strategies if s in asked or s in pp.REFERENCES]

    record, start = Record(), time.monotonic()
    plan = {"strategies": strategies, "loops": {}, "target": options.target, "turns": options.turns, "large": False}
    plan["loops"] = child("--worker", plan={**plan, "calibrate": True, "turns": 1})["loops"]
    plan["calibrate"] = False
    libraries = [Beside(name, {**plan, "loops": {}}) for name in (options.libraries or "").split(",") if name]
    for library in libraries:
        library.calibrate()
    done, progress = 0, Progress("python")
    while done < options.rounds and (done < options.least or time.monotonic() - start < options.seconds):
        record.round(child("--worker", plan={**plan, "large": done < options.large_rounds}))
        for strategy in strategies if done < options.memory_rounds else ():
            record.memory(strategy, child("--memory", strategy))
        for n, library in enumerate(libraries, 1):
            library.round(record, memory=done < options.memory_rounds)
            progress.say(done + n / (len(libraries) + 1), options.rounds, f"rounds, after {library.name}")
        done += 1
        progress.say(done, options.rounds, "rounds")
    record.write(options.text, options.json)


if __name__ == "__main__":
    try:
        main()
    except WorkerFailed as e:
        sys.exit(str(e))
