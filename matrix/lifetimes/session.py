"""A run of the matrix: each property for each subject as a test, a declared break as a strict xfail."""

import dataclasses
import gc
import importlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from . import bench, declarations, harness, properties, subject
from .report import Cell, order, table, write

HERE = Path(properties.__file__).parent
NODE = "lifetimes"  # what ids of tests begin with, wherever the package is


class Breaks(pytest.fail.Exception):
    """The promise is broken."""


class Crashed(pytest.fail.Exception):
    """The process died of a signal."""


class Hung(pytest.fail.Exception):
    """The process had to be killed."""


# What can be declared, beside "holds" and "n/a". Everything else is a plain failure.
RAISES = {"breaks": Breaks, "crashed": Crashed, "hung": Hung}


def configure(config):
    """Take part in this run of pytest: in the process that reports, and in xdist's workers."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as python -m pytest has it
    known = known_properties()  # before an adapter, whose library may turn the GIL on: FT asks whether it is off
    worker = getattr(config, "workerinput", None)  # an attribute of xdist's workers
    try:
        if worker:
            run = Run([subject.load(spec) for spec in worker[NODE]])
        else:
            run = Results(config, *subject.asked(config.option.lifetimes), known)
    except (LookupError, ImportError, ValueError, TypeError) as e:
        raise pytest.UsageError(f"--lifetimes: {e}") from None
    if config.args_source is not config.ArgsSource.ARGS:
        config.args[:] = [str(HERE)]  # and not the repository's own tests
    else:
        config.args[:] = [str(HERE) + a[len(NODE) :] if a.startswith(f"{NODE}/test_") else a for a in config.args]
    if threshold := config.option.lifetimes_gc_threshold:
        gc.set_threshold(threshold)
    config.pluginmanager.register(run)


class Run:
    """What every process of a run does."""

    def __init__(self, subjects):
        self.subjects, self.cells = subjects, []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path, parent):
        return Folder.from_parent(parent, path=path, nodeid=NODE, run=self) if path == HERE else None

    def pytest_pycollect_makeitem(self, collector, name, obj):
        """Properties in other files."""
        if isinstance(getattr(obj, "property", None), harness.Property):
            return list(self.items(collector, obj))
        return None

    def items(self, parent, function):
        for s in self.subjects:
            yield Item.from_parent(parent, name=f"{function.__name__}[{s.name}]", function=function, run=self, s=s)

    def pytest_collection_modifyitems(self, items):
        items.sort(key=lambda item: order(item.p.id) if isinstance(item, Item) else ())

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config, log):
        """A process runs all properties of a subject, because L2 depends on all others, and to import a library once."""
        from xdist.scheduler import LoadScopeScheduling

        class BySubject(LoadScopeScheduling):
            def _split_scope(self, nodeid):
                return nodeid.partition("[")[2] or nodeid.partition("::")[0]

        return BySubject(config, log)

    def pytest_runtest_logreport(self, report):
        found = dict(report.user_properties)
        names = [field.name for field in dataclasses.fields(Cell)]
        if report.when == "call" and found.keys() >= set(names):  # other tests record other properties
            self.cells.append(Cell(**{name: found[name] for name in names}))

    def came_out(self, function, s, outcomes):
        """(outcome, detail), corrected for rare breaks, which a run may not show, and for L2, which depends on all other tests."""
        verdict, p = harness.run(function, s), function.property
        if verdict.outcome == "holds":
            unbalanced = [c.id for c in self.cells if c.subject == s.name and "alive went from" in c.detail]
            if p.rare and outcomes == ["breaks"]:
                return "breaks", "not seen in this run"
            if p.id == "L2" and unbalanced:
                return "breaks", f"not balanced after {', '.join(unbalanced)}"
        return verdict.outcome, verdict.detail


class Folder(pytest.Directory):
    """The properties that come with the plugin, whatever python_files and import modes a repository has."""

    def __init__(self, *, run, **of_node):
        super().__init__(**of_node)
        self.run = run

    def collect(self):
        if self.config.option.lifetimes_bench:
            yield Measurements.from_parent(self, path=Path(bench.__file__), nodeid=f"{NODE}/bench.py", run=self.run)
            return
        for path in sorted(HERE.glob("test_*.py")):
            yield File.from_parent(self, path=path, nodeid=f"{NODE}/{path.name}", run=self.run)


class File(pytest.File):
    def __init__(self, *, run, **of_node):
        super().__init__(**of_node)
        self.run = run

    def collect(self):
        for function in those_of(self.path):
            yield from self.run.items(self, function)


class Item(pytest.Item):
    """A property of a subject."""

    def __init__(self, *, function, run, s, **of_node):
        super().__init__(**of_node)
        self.function, self.p, self.run, self.s = function, function.property, run, s
        outcomes, reason = self.declared()
        raises = tuple(RAISES[o] for o in outcomes if o in RAISES)
        if raises:
            reason = f"declared: {self.p.id} {'|'.join(outcomes)} ({reason})"
            self.add_marker(pytest.mark.xfail(raises=raises, strict="holds" not in outcomes, reason=reason))

    def declared(self):
        """([outcome, ...], reason)"""
        outcomes, reason = ("n/a", self.p.absent) if self.p.absent else self.s.expected(self.p.id)
        return outcomes.split("|"), reason

    def reportinfo(self):
        return self.path, self.function.__code__.co_firstlineno - 1, f"{self.p.id} of {self.s.name}"

    def runtest(self):
        s, p = self.s, self.p
        outcomes, reason = self.declared()
        outcome, detail = self.run.came_out(self.function, s, outcomes)
        if outcome == "lacks":
            outcome = "n/a"
            if s.kind == "library" and p.id not in s.declared:  # a strategy has everything
                outcomes, reason = ["n/a"], detail
        expected = outcome if outcome in outcomes else "|".join(outcomes)
        cell = Cell(s.name, p.id, p.title, p.promise, outcome, expected, reason, detail)
        self.user_properties += dataclasses.asdict(cell).items()  # reach the process that reports, and JUnit's XML
        if outcome == "holds" and outcomes != ["n/a"]:
            return
        if outcome == expected == "n/a":
            pytest.skip(reason)
        because = f" ({reason})" if reason else ""
        raise RAISES.get(outcome, pytest.fail.Exception)(
            f"{s.name}: {p.id} {outcome}, declared: {'|'.join(outcomes)}{because}\n{p.promise}\n{detail}", pytrace=False
        )


class Measurements(pytest.File):
    def __init__(self, *, run, **of_node):
        super().__init__(**of_node)
        self.run = run

    def collect(self):
        for s in self.run.subjects:
            yield Measurement.from_parent(self, name=f"bench-{s.name}", s=s)


class Measurement(pytest.Item):
    """The times of a subject, as a section of the report."""

    def __init__(self, *, s, **of_node):
        super().__init__(**of_node)
        self.s = s

    def runtest(self):
        try:
            self.user_properties.append((bench.TABLE, bench.measure(self.s)))
        except bench.Failed as e:
            pytest.fail(str(e), pytrace=False)

    def reportinfo(self):
        return self.path, None, f"times of {self.s.name}"


class Results(Run):
    """What the process that reports does. If not all tests have run, there are no results: partial ones could be
    mistaken for complete ones."""

    def __init__(self, config, subjects, skipped, known):
        super().__init__(subjects)
        self.config, self.option, self.skipped, self.tables = config, config.option, skipped, []
        self.finished, self.interrupted, self.said = 0, False, time.monotonic()
        self.declared = declarations.read(os.environ["LIFETIMES_TOML"])
        for s in subjects:
            if unknown := [p for p in self.declared.get(s.name, ()) if p not in known]:
                raise LookupError(f"{declarations.NAME}: {s.name} declares {unknown[0]}; there is no such property")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        node.workerinput[NODE] = [s.spec for s in self.subjects]

    def pytest_sessionstart(self, session):
        self.session, self.began = session, time.monotonic()

    def pytest_runtest_logfinish(self):
        self.finished += 1
        now, total = time.monotonic(), self.session.testscollected
        if self.option.lifetimes_progress and now - self.said > 30:
            self.said, took = now, now - self.began
            left = took / self.finished * (total - self.finished)
            with open(self.option.lifetimes_progress, "a") as f:
                print(f"{self.finished} of {total} outcomes, {took:.0f} s, about {left:.0f} s left", file=f)

    def pytest_runtest_logreport(self, report):
        super().pytest_runtest_logreport(report)
        self.tables += [text for name, text in report.user_properties if name == bench.TABLE and report.when == "call"]

    def pytest_keyboard_interrupt(self, excinfo):
        # -x with -n is an exception of xdist's that is a KeyboardInterrupt, too.
        self.interrupted = excinfo.type is KeyboardInterrupt or "keyboard-interrupt" in str(excinfo.value)

    def pytest_sessionfinish(self, session):
        if self.interrupted:
            session.exitstatus = 128 + signal.SIGINT
        if self.whole():
            write(*self.ordered(), self.skipped, json_file=self.option.lifetimes_json, md_file=self.option.lifetimes_md)

    def whole(self):
        return self.cells and self.finished == self.session.testscollected

    def pytest_terminal_summary(self, terminalreporter):
        for text in self.tables:
            terminalreporter.section("times")
            terminalreporter.write(text)
        if not self.cells:
            return
        terminalreporter.section("matrix")
        if self.whole():
            terminalreporter.write(table(*self.ordered()))
        else:
            terminalreporter.write_line(
                f"{self.finished} of {self.session.testscollected} tests ran: no table, and nothing is written"
            )
            return
        for name, why in self.skipped.items():
            terminalreporter.write_line(f"{name} was skipped: {why}")
        self.declare(terminalreporter)

    def declare(self, terminalreporter):
        """Say, or write, what lifetimes.toml would have to be. Adapters with declarations of their own keep theirs."""
        own = {s.name for s in self.subjects if s.adapter.declared}
        cells = [c for c in self.ordered()[0] if c.subject not in own]
        wanted, bugs = declarations.needed(cells, self.declared)
        if wanted != self.declared:
            path = self.config.rootpath / declarations.NAME
            text = declarations.text(wanted)
            if self.option.lifetimes_write:
                path.write_text(text, encoding="utf-8")
                terminalreporter.section(f"{path} is written: say the reasons in your words")
            else:
                terminalreporter.section(f"{path} would have to be this (--lifetimes-write writes it)")
                terminalreporter.write(text)
        for c in bugs:
            terminalreporter.write_line(f"{c.subject}: {c.id} failed, which cannot be declared: {c.why}")

    def ordered(self):
        """(cells, subjects); xdist's processes report in any order."""
        there = [s for s in self.subjects if any(c.subject == s.name for c in self.cells)]
        names = [s.name for s in there]
        return sorted(self.cells, key=lambda c: (order(c.id), names.index(c.subject))), there


def those_of(path):
    """The properties of one of our files, as functions."""
    module = importlib.import_module(f"{properties.__name__}.{path.stem}")
    return [f for f in vars(module).values() if isinstance(getattr(f, "property", None), harness.Property)]


def known_properties():
    return {f.property.id for path in HERE.glob("test_*.py") for f in those_of(path)}
