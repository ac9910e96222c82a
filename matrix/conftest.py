"""The matrix: every property for every subject, judged against what it declares."""

import concurrent.futures
import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402
import report  # noqa: E402
import subjects  # noqa: E402

PROGRESS = os.environ.get("MATRIX_PROGRESS")  # a file: how far it is and how long is left, twice a minute

_loaded = {}
_cells = []
_children = {}


def subject(name):
    if name not in _loaded:
        _loaded[name] = subjects.load(name)
    return _loaded[name]


def pytest_configure(config):
    try:
        subjects.names()
    except LookupError as e:
        raise pytest.UsageError(str(e)) from None
    if threshold := os.environ.get("MATRIX_GC_THRESHOLD"):
        import gc

        gc.set_threshold(int(threshold))


def pytest_generate_tests(metafunc):
    if hasattr(metafunc.function, "property"):
        metafunc.parametrize("s", [pytest.param(n, id=n) for n in subjects.names()])


def pytest_collection_modifyitems(items):
    """Properties in the order of the documentation; L2, which speaks of all others, last."""
    rank = {p: i for i, p in enumerate(("I", "S", "W", "F", "G", "T", "FT", "N", "X", "L", "D", "C"))}

    def key(item):
        p = getattr(item.function, "property", None)
        return (p.id == "L2", rank[p.id.rstrip("[]abcdefghijklmnopqrstuvwxyz").rstrip("0123456789")], int("".join(filter(str.isdigit, p.id)))) if p else (False, 99, 0)

    items.sort(key=key)


def pytest_runtestloop(session):
    """Start the tests that run in processes of their own, as many at once as there are processors."""
    if session.config.option.collectonly:
        return
    pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)
    environment = dict(os.environ)
    for item in session.items:
        if not hasattr(item.function, "property"):
            continue
        s = subject(item.callspec.params["s"])
        if harness.in_child(item.function, s) and not item.function.property.absent:
            _children[item.nodeid] = pool.submit(harness.run, item.function, s, environment)
    pool.shutdown(wait=False)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    p = getattr(pyfuncitem.function, "property", None)
    if p is None:
        return None
    s = subject(pyfuncitem.callspec.params["s"])
    expected, reason = ("n/a", p.absent) if p.absent else s.expected(p.id)
    child = _children.pop(pyfuncitem.nodeid, None)
    verdict = child.result() if child else harness.run(pyfuncitem.function, s)
    if p.rare and (verdict.outcome, expected) == ("holds", "breaks"):
        verdict = harness.Verdict("breaks", "not seen in this run")
    if p.id == "L2" and verdict.outcome == "holds":
        unbalanced = [c.property.id for c in _cells if c.subject == s.name and "alive went from" in c.detail]
        if unbalanced:
            verdict = harness.Verdict("breaks", f"not balanced after {', '.join(unbalanced)}")
    if verdict.outcome in expected.split("|"):
        expected = verdict.outcome
    _progress(len(pyfuncitem.session.items))
    _cells.append(report.Cell(s.name, p, verdict.outcome, expected, reason, verdict.detail))
    if verdict.outcome != expected:
        declared = f"declared: {expected}" + (f" ({reason})" if reason else "")
        pytest.fail(f"{s.name}: {p.id} {verdict.outcome}, {declared}\n{p.promise}\n{verdict.detail}", pytrace=False)
    return True


def _progress(all, *, began=time.monotonic(), said=[time.monotonic()]):
    now, done = time.monotonic(), len(_cells) + 1
    if PROGRESS and now - said[0] > 30:
        said[0] = now
        with open(PROGRESS, "a") as f:
            print(f"{done} of {all} outcomes, {now - began:.0f} s, about {(now - began) / done * (all - done):.0f} s left", file=f)


def pytest_sessionfinish(session):
    if _cells:
        report.write(_cells, [_loaded[n] for n in subjects.names() if n in _loaded], subjects.skipped())


def pytest_terminal_summary(terminalreporter):
    if _cells:
        terminalreporter.section("matrix")
        terminalreporter.write(report.table(_cells, [_loaded[n] for n in subjects.names() if n in _loaded]))
