"""Somebody else's libraries: how they are declared, run and compared. Needs none of them."""

import glob
import importlib
import json
import os
import subprocess
import sys

import pytest

import harness
import pyobject_preservation as pp
import report
import subjects

HERE = os.path.dirname(os.path.abspath(__file__))

# A library that is one of our strategies in disguise, known to every process of the test.
FAKE = f"""
import sys, types
sys.path.append({harness.HERE!r})
import subjects

def load():
    import pyobject_preservation as pp
    return pp.strategy("toggleref")

adapter = types.ModuleType("subjects.fake")
adapter.SUBJECTS = [
    subjects.Library("fake", ships="naive", idea="a fake", load=load, refuses={{"not with me": "it says no"}},
                     differs=[("crashed", "C91", "as declared"), ("hung", "C92", "as declared"),
                              ("crashed|breaks", "C93", "either"), ("breaks", "C97", "it says no")]),
    subjects.Library("gone", ships="naive", idea="not there", load=lambda: subjects.native("gone")),
]
sys.modules["subjects.fake"] = adapter
subjects.LIBRARIES |= {{"fake": "fake", "gone": "fake"}}
"""

PROPERTIES = '''
import os, time
from harness import prop

@prop("C91", "crashes")
def test_crashes(s):
    """Crashes."""
    os.kill(os.getpid(), 11)

@prop("C92", "hangs")
def test_hangs(s):
    """Hangs."""
    time.sleep(1000)

@prop("C93", "either")
def test_either(s):
    """Breaks."""
    assert False, "this time"

@prop("C94", "leaks")
def test_leaks(s):
    """Leaves a native object behind: of a library, a trait and no bug."""
    s.keep = s.MyClassRef(s.MyClass())

@prop("C95", "raises")
def test_raises(s):
    """Raises what nobody declared."""
    raise KeyError("bug")

@prop("C96", "refused")
def test_refused(s):
    """Is refused what it needs."""
    raise TypeError("not with me")

@prop("C97", "refused, and declared to break")
def test_refused_and_declared(s):
    """Is refused what it needs, which is declared to break it."""
    raise TypeError("not with me")
'''


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """An environment in which the fake is known, and the outcomes of PROPERTIES in it."""
    (tmp_path / "sitecustomize.py").write_text(FAKE)
    (tmp_path / "test_fake.py").write_text(PROPERTIES)
    path = os.pathsep.join([str(tmp_path), harness.HERE, os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "MATRIX_CHILD_SECONDS": "3", "MATRIX_SUBJECTS": "fake gone",
                   "MATRIX_JSON": str(tmp_path / "m.json"), "MATRIX_MD": str(tmp_path / "m.md")}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "conftest", "--rootdir", str(tmp_path),
                           str(tmp_path / "test_fake.py")], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (tmp_path / "m.json").exists(), done.stdout + done.stderr
    return json.loads((tmp_path / "m.json").read_text()), done


def test_outcomes_of_a_library(fake):
    document, done = fake
    outcomes = {o["property"]: (o["outcome"], o["expected"]) for o in document["outcomes"] if o["subject"] == "fake"}
    assert outcomes == {
        "C91": ("crashed", "crashed"), "C92": ("hung", "hung"), "C93": ("breaks", "breaks"),
        "C94": ("breaks", "holds"), "C95": ("failed", "holds"), "C96": ("n/a", "holds"), "C97": ("breaks", "breaks"),
    }, done.stdout + done.stderr
    assert done.returncode == 1, "what was not declared fails the run"


def test_a_library_that_is_not_there_is_skipped_with_the_reason(fake):
    document, _ = fake
    assert "gone" not in {s["name"] for s in document["subjects"]}
    assert [s["name"] for s in document["skipped"]] == ["gone"] and len(document["skipped"][0]["reason"]) > 10


def test_what_was_not_declared_is_listed(fake):
    document, _ = fake
    listed = report.undeclared(document, ["fake"])
    assert "('breaks', 'C94', ...)" in listed and "('failed', 'C95', ...)" in listed and "KeyError" in listed
    assert "C91" not in listed and "C97" not in listed


def test_no_library_unless_asked_for(monkeypatch):
    monkeypatch.delenv("MATRIX_SUBJECTS", raising=False)
    monkeypatch.delenv("MATRIX_PEERS", raising=False)
    assert subjects.names() == list(pp.STRATEGIES)
    assert subjects.skipped() == {}


def properties():
    sys.path.append(os.path.join(harness.HERE, "properties"))
    for path in glob.glob(os.path.join(harness.HERE, "properties", "test_*.py")):
        for value in vars(importlib.import_module(os.path.basename(path)[:-3])).values():
            if isinstance(getattr(value, "property", None), harness.Property):
                yield value.property.id


@pytest.mark.parametrize("name", subjects.LIBRARIES)
def test_every_declared_difference_is_one(name):
    """Of a property that there is, with a reason, and not what the strategy does anyway."""
    library, known = subjects.library(name), set(properties())
    assert library.ships and library.idea
    for property_id, (outcome, reason) in library.differs.items():
        assert property_id in known, f"there is no property {property_id}"
        assert set(outcome.split("|")) <= {"holds", "breaks", "n/a", "crashed", "hung"}
        assert len(reason) > 10, f"{property_id} has no reason"
        shipped = library.shipped(property_id)
        assert shipped is None or shipped[0] != outcome, f"{property_id}: {library.ships} {outcome}, too"
