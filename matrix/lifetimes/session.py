"""The matrix as pytest's tests: each property for each subject, a declared break as a strict xfail."""

import dataclasses
import functools
import gc
import os
import signal
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness
import subjects
from report import Cell, order, table, write

PROGRESS = os.environ.get("MATRIX_PROGRESS")  # a file: how far it is and how long is left, twice a minute


class Breaks(pytest.fail.Exception):
    """The promise is broken."""


class Crashed(pytest.fail.Exception):
    """The process died of a signal."""


class Hung(pytest.fail.Exception):
    """The process had to be killed."""


# What can be declared, beside "holds" and "n/a". Everything else is a plain failure.
RAISES = {"breaks": Breaks, "crashed": Crashed, "hung": Hung}

cells = []


@functools.cache
def subject(name):
    return subjects.load(name)


def pytest_configure(config):
    try:
        subjects.names()
    except LookupError as e:
        raise pytest.UsageError(str(e)) from None
    if not hasattr(config, "workerinput"):  # an attribute of xdist's workers
        config.pluginmanager.register(Results())
    if threshold := os.environ.get("MATRIX_GC_THRESHOLD"):
        gc.set_threshold(int(threshold))


def pytest_generate_tests(metafunc):
    if p := getattr(metafunc.function, "property", None):
        metafunc.parametrize("s", [pytest.param(n, id=n, marks=marks(p, n)) for n in subjects.names()])


def marks(p, name):
    outcomes, reason = declared(p, name)
    raises = tuple(RAISES[o] for o in outcomes if o in RAISES)
    reason = f"declared: {p.id} {'|'.join(outcomes)} ({reason})"
    return [pytest.mark.xfail(raises=raises, strict="holds" not in outcomes, reason=reason)] if raises else []


def declared(p, name):
    """([outcome, ...], reason)"""
    outcomes, reason = ("n/a", p.absent) if p.absent else subject(name).expected(p.id)
    return outcomes.split("|"), reason


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: order(item.function.property.id) if hasattr(item.function, "property") else ())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A process runs all properties of a subject, because L2 depends on all others, and to import a library once."""
    from xdist.scheduler import LoadScopeScheduling

    class BySubject(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return nodeid.partition("[")[2] or nodeid

    return BySubject(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    p = getattr(pyfuncitem.function, "property", None)
    if p is None:
        return None
    name = pyfuncitem.callspec.params["s"]
    outcomes, reason = declared(p, name)
    outcome, detail = came_out(p, pyfuncitem.function, name, outcomes)
    if outcome == "lacks":
        outcome = "n/a"
        if subject(name).kind == "library" and p.id not in subject(name).differs:  # a strategy has everything
            outcomes, reason = ["n/a"], detail
    expected = outcome if outcome in outcomes else "|".join(outcomes)
    cell = Cell(name, p.id, p.title, p.promise, outcome, expected, reason, detail)
    pyfuncitem.user_properties += dataclasses.asdict(cell).items()  # reach the process that reports, and JUnit's XML
    if outcome == "holds" and outcomes != ["n/a"]:
        return True
    if outcome == expected == "n/a":
        pytest.skip(reason)
    because = f" ({reason})" if reason else ""
    raise RAISES.get(outcome, pytest.fail.Exception)(
        f"{name}: {p.id} {outcome}, declared: {'|'.join(outcomes)}{because}\n{p.promise}\n{detail}", pytrace=False
    )


def came_out(p, function, name, outcomes):
    """(outcome, detail), corrected for rare breaks, which a run may not show, and for L2, which depends on all other tests."""
    verdict = harness.run(function, subject(name))
    if verdict.outcome == "holds":
        unbalanced = [c.id for c in cells if c.subject == name and "alive went from" in c.detail]
        if p.rare and outcomes == ["breaks"]:
            return "breaks", "not seen in this run"
        if p.id == "L2" and unbalanced:
            return "breaks", f"not balanced after {', '.join(unbalanced)}"
    return verdict.outcome, verdict.detail


def pytest_keyboard_interrupt():
    import psutil  # not before: it may switch the GIL on

    for process in psutil.Process().children(recursive=True):  # in sessions of their own, which Ctrl-C does not reach
        process.kill()


def pytest_runtest_logreport(report):
    found = dict(report.user_properties)
    names = [field.name for field in dataclasses.fields(Cell)]
    if report.when == "call" and found.keys() >= set(names):  # other tests record other properties
        cells.append(Cell(**{name: found[name] for name in names}))


class Results:
    """The results of all tests. If not all have run, there are no results: partial ones could be mistaken for complete ones."""

    def __init__(self):
        self.finished, self.interrupted, self.said = 0, False, time.monotonic()

    def pytest_sessionstart(self, session):
        self.session, self.began = session, time.monotonic()

    def pytest_runtest_logfinish(self):
        self.finished += 1
        now, total = time.monotonic(), self.session.testscollected
        if PROGRESS and now - self.said > 30:
            self.said, took = now, now - self.began
            left = took / self.finished * (total - self.finished)
            with open(PROGRESS, "a") as f:
                print(f"{self.finished} of {total} outcomes, {took:.0f} s, about {left:.0f} s left", file=f)

    def pytest_keyboard_interrupt(self, excinfo):
        # -x with -n is an exception of xdist's that is a KeyboardInterrupt, too.
        self.interrupted = excinfo.type is KeyboardInterrupt or "keyboard-interrupt" in str(excinfo.value)

    def pytest_sessionfinish(self, session):
        if self.interrupted:
            session.exitstatus = 128 + signal.SIGINT
        if self.finished == session.testscollected and cells:
            write(*self.ordered(), subjects.skipped())

    def pytest_terminal_summary(self, terminalreporter):
        if cells:
            terminalreporter.section("matrix")
        if self.finished == self.session.testscollected and cells:
            terminalreporter.write(table(*self.ordered()))
        elif cells:
            terminalreporter.write_line(
                f"{self.finished} of {self.session.testscollected} tests ran: no table, and nothing is written"
            )

    def ordered(self):
        """(cells, subjects); xdist's processes report in any order."""
        names = [n for n in subjects.names() if any(c.subject == n for c in cells)]
        return sorted(cells, key=lambda c: (order(c.id), names.index(c.subject))), [subject(n) for n in names]
