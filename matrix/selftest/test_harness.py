"""The harness itself: every outcome is told from every other, and both directions are strict."""

import os
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import psutil
import pytest
from lifetimes import harness, subject
from own import Matrix


@harness.prop("Z1", "holds")
def holds(s):
    """Holds."""


@harness.prop("Z2", "breaks")
def breaks(s):
    """Breaks."""
    raise AssertionError("as promised")


@harness.prop("Z3", "raises")
def raises(s):
    """Raises something else."""
    raise KeyError("bug")


@harness.prop("Z4", "leaks")
def leaks(s):
    """Leaves a native object behind."""
    a = s.MyClass()
    a.append(a)


@harness.prop("Z5", "asks for too much")
def asks(s):
    """Needs what the subject lacks."""
    s.nonesuch()


@harness.prop("Z6", "crashes", child=True)
def crashes(s):
    """Crashes."""
    os.kill(os.getpid(), 11)


@harness.prop("Z7", "hangs", child=True)
def hangs(s):
    """Hangs."""
    time.sleep(1000)


@harness.prop("Z8", "breaks in a child", child=True)
def breaks_in_child(s):
    """Breaks, in a child."""
    raise AssertionError("as promised")


@harness.prop("Z9", "leaks in a child", child=True)
def leaks_in_child(s):
    """Leaves a native object behind, in a child."""
    a = s.MyClass()
    a.append(a)


@harness.prop("Z10", "leaves")
def leaves(s):
    """Ends the program, before it is judged."""
    raise SystemExit(0)


@harness.prop("Z11", "leaves in a child", child=True)
def leaves_in_child(s):
    """Ends the process, before it is judged."""
    os._exit(0)


@harness.prop("FT1", "import keeps the GIL off")
def needs_no_module(s):
    """The one property that is judged of what cannot be loaded."""
    assert s.unloadable


def test_what_cannot_be_loaded_is_not_loaded():
    class Refused(subject.Adapter):
        kind, unloadable = "strategy", "needs the GIL"

        def load(self):
            raise RuntimeError(self.unloadable)

    refused = subject.Subject(Refused(), "", {})
    assert harness.run(needs_no_module, refused).outcome == "holds"
    assert harness.run(holds, refused).outcome == "n/a"


@pytest.mark.parametrize(
    "function, outcome, says",
    [
        (holds, "holds", ""),
        (breaks, "breaks", "as promised"),
        (raises, "failed", "KeyError"),
        (leaks, "failed", "alive went from"),
        (asks, "lacks", "nonesuch"),
        (crashes, "crashed", "signal 11"),
        (hangs, "hung", "2 s"),
        (breaks_in_child, "breaks", "as promised"),
        (leaks_in_child, "failed", "alive went from"),
        (leaves, "failed", "SystemExit"),
        (leaves_in_child, "failed", ""),
    ],
)
def test_outcomes_are_told_apart(function, outcome, says, monkeypatch):
    monkeypatch.setattr(harness, "CHILD_SECONDS", 2 if function is hangs else 60)
    verdict = harness.run(function, subject.load("subjects.strategies:naive"))
    assert verdict.outcome == outcome
    assert says in verdict.detail


PROPERTIES = """
import time
from lifetimes.harness import prop

@prop("C91", "breaks")
def test_breaks(s):
    \"\"\"Breaks.\"\"\"
    assert False, "this time"

@prop("C92", "holds")
def test_holds(s):
    \"\"\"Holds.\"\"\"
"""

HANGS = (
    PROPERTIES
    + """
import pathlib

@prop("C93", "hangs", child=True)
def test_hangs(s):
    \"\"\"Hangs.\"\"\"
    pathlib.Path("hangs").touch()
    time.sleep(1000)
"""
)


@pytest.fixture
def matrix(tmp_path):
    return Matrix(tmp_path)


alone_or_not = pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["alone", "-n"])


@pytest.mark.parametrize(
    "breaks, says, options",
    [
        ({}, ["naive: C91 breaks, declared: holds", "this time", "1 failed, 1 passed"], ()),
        ({"C91": "as it should"}, ["1 passed, 1 xfailed"], ()),
        ({"C91": "x", "C92": "y"}, ["[XPASS(strict)] declared: C92 breaks (y)", "1 failed, 1 xfailed"], ()),
        (
            {"C92": "y"},
            ["naive: C91 breaks, declared: holds", "[XPASS(strict)] declared: C92 breaks (y)", "2 failed"],
            ("-n", "2"),
        ),
    ],
)
def test_both_directions_are_strict(breaks, says, options, matrix):
    """A break that is not declared fails the run, and so does a declared one that holds."""
    status, printed, document = matrix.run(PROPERTIES, *options, breaks=breaks)
    assert status == (" failed" in says[-1]), printed
    assert [line for line in says if line not in printed] == [], printed
    assert [(o["property"], o["outcome"]) for o in document["outcomes"]] == [("C91", "breaks"), ("C92", "holds")]


def test_what_was_asked_for_is_whole(matrix):
    """-k narrows, and JUnit's XML has what the JSON has as properties."""
    status, printed, document = matrix.run(
        PROPERTIES, "-k", "breaks", f"--junitxml={matrix.folder}/j.xml", breaks={"C91": "as it should"}
    )
    assert status == 0 and "1 deselected, 1 xfailed" in printed
    assert [o["property"] for o in document["outcomes"]] == ["C91"]
    suite = ElementTree.parse(matrix.folder / "j.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("1", "0", "1")
    assert {p.get("name"): p.get("value") for p in suite.iter("property")}["outcome"] == "breaks"


@alone_or_not
def test_a_run_that_stops_early_writes_nothing(processes, matrix):
    """Partial results could be mistaken for complete ones."""
    status, printed, document = matrix.run(PROPERTIES, "-x", *processes, breaks={})
    assert status == (2 if processes else 1), printed  # as pytest and xdist have it
    assert "1 of 2 tests" in printed and document is None and not matrix.md.exists()


@alone_or_not
def test_ctrl_c_ends_it_with_130_and_writes_nothing(processes, matrix):
    """Ctrl-C also ends the processes that the run has started."""
    run = matrix.start(HANGS, *processes, breaks={"C91": "x"})
    deadline = time.monotonic() + 60
    while not (matrix.folder / "hangs").exists():
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.05)
    processes = psutil.Process(run.pid).children(recursive=True)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    printed, _ = run.communicate(timeout=60)
    assert run.returncode == 130, printed
    assert processes and psutil.wait_procs(processes, timeout=30)[1] == []
    assert not matrix.json.exists() and not matrix.md.exists()


def test_a_process_that_dies_ends_it(matrix):
    """A crash of a test without a process of its own: the test is named once, and no results are written."""
    status, printed, document = matrix.run(
        PROPERTIES.replace("assert False", "import os; os.abort()"), "-n", "1", "--max-worker-restart=0", breaks={}
    )
    assert status == 1 and "crashed while running" in printed and "test_breaks[naive]" in printed
    assert document is None


def test_a_relative_pythonpath_is_found_by_all_processes():
    """The command is README.md's."""
    command = "-m pytest -p lifetimes.plugin --lifetimes subjects:naive -q -c matrix/pytest.ini --rootdir matrix"
    done = subprocess.run(
        [sys.executable, *command.split(), "-k", "skips_super"],
        capture_output=True,
        text=True,
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
        env={**os.environ, "PYTHONPATH": "python:matrix"},
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
