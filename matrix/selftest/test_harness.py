"""The harness itself: every outcome is told from every other, and both directions are strict."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

import harness
import pyobject_preservation as pp
import subjects

NAME = pp.STRATEGIES[0]


@harness.prop("Z1", "holds")
def holds(s):
    """Holds."""


@harness.prop("Z2", "breaks")
def breaks(s):
    """Breaks."""
    assert False, "as promised"


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
    """Asks for what the subject has not."""
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
    assert False, "as promised"


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


@pytest.mark.parametrize("function, outcome, says", [
    (holds, "holds", ""),
    (breaks, "breaks", "as promised"),
    (raises, "failed", "KeyError"),
    (leaks, "failed", "alive went from"),
    (asks, "n/a", "nonesuch"),
    (crashes, "crashed", "signal 11"),
    (hangs, "hung", "2 s"),
    (breaks_in_child, "breaks", "as promised"),
    (leaks_in_child, "failed", "alive went from"),
    (leaves, "failed", "SystemExit"),
    (leaves_in_child, "failed", ""),
])
def test_outcomes_are_told_apart(function, outcome, says, monkeypatch):
    monkeypatch.setattr(harness, "CHILD_SECONDS", 2 if function is hangs else 60)
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    verdict = harness.run(function, subjects.load(NAME))
    assert verdict.outcome == outcome
    assert says in verdict.detail


def test_processes_start_while_the_environment_changes():
    """pytest sets and takes away a variable for each test; that made one process in thousands fail to start."""
    path = os.path.dirname(__file__) + os.pathsep + os.environ.get("PYTHONPATH", "")
    environment, stop = {**os.environ, "PYTHONPATH": path}, threading.Event()

    def change():
        while not stop.is_set():
            os.environ["MATRIX_CHANGES"] = "x"
            del os.environ["MATRIX_CHANGES"]
            time.sleep(0)  # the GIL is for the others, too

    thread = threading.Thread(target=change)
    thread.start()
    try:
        outcomes = [harness.run(breaks_in_child, subjects.load(NAME), environment).outcome for _ in range(8)]
    finally:
        stop.set()
        thread.join()
    assert outcomes == ["breaks"] * 8


@pytest.mark.parametrize("declared, ok", [({}, False), ({"I1": "as it should"}, True), ({"I1": "x", "I4": "y"}, False)])
def test_both_directions_are_strict(declared, ok, tmp_path):
    """A break that is not declared fails the run, and so does a declared one that holds."""
    code = f"""
import sys, pytest
sys.path.insert(0, {harness.HERE!r})
import subjects
load = subjects.load
def declare(name):
    s = load(name)
    s.breaks = {declared!r}
    return s
subjects.load = declare
sys.exit(pytest.main(["-q", "-c", {os.path.join(harness.HERE, "pytest.ini")!r}, "--rootdir", {harness.HERE!r},
                      {os.path.join(harness.HERE, "properties", "test_identity.py")!r}, "-k", "alive_give_one or reused_address"]))
"""
    path = tmp_path / "matrix.json"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, "MATRIX_SUBJECTS": "naive", "MATRIX_JSON": str(path), "MATRIX_MD": str(tmp_path / "m.md")})
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    document = json.loads(path.read_text())
    assert {o["property"]: o["outcome"] for o in document["outcomes"]} == {"I1": "breaks", "I4": "holds"}


def test_an_unknown_subject_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("MATRIX_SUBJECTS", "nonesuch")
    with pytest.raises(LookupError, match="nonesuch.*preserve"):
        subjects.names()
