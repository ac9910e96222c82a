"""Other libraries: how they are declared, run and compared. Needs no library installed."""

import pyobject_preservation as pp
import pytest
import subjects
from lifetimes import report
from lifetimes.session import known_properties
from lifetimes.subject import METHODS
from own import Matrix

# An adapter for one of our strategies in disguise.
ADAPTER = """
import types
from subjects import Library, native

def load():
    import pyobject_preservation as pp
    return pp.strategy("toggleref")

def partial():
    module = types.SimpleNamespace(**vars(load()))
    del module.MyClass.append, module.new_native
    return module

SUBJECTS = [
    Library("fake", ships="naive", idea="a fake", load=load, refuses={"not with me": "it says no"},
            differs=[("crashed", "C91 C98", "as declared"), ("hung", "C92", "as declared"),
                     ("crashed|breaks", "C93", "either"), ("breaks", "C97", "it says no"), ("breaks", "C90 C99", "it was so once")]),
    Library("gone", ships="naive", idea="not there", load=lambda: native("gone")),
    Library("partial", ships="toggleref", idea="a fake that has not everything", load=partial, differs=[("breaks", "C84", "it has none")]),
]
"""

PROPERTIES = '''
import os, time
from lifetimes.harness import prop

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
    """Raises what is not declared."""
    raise KeyError("bug")

@prop("C96", "refused")
def test_refused(s):
    """Is refused what it needs."""
    raise TypeError("not with me")

@prop("C97", "refused, and declared to break")
def test_refused_and_declared(s):
    """Is refused what it needs, which is declared to break it."""
    raise TypeError("not with me")

@prop("C98", "declared to crash, and breaks")
def test_breaks_only(s):
    """Breaks."""
    assert False, "but does not crash"

@prop("C99", "declared to break, and holds")
def test_holds(s):
    """Holds."""

@prop("C90", "the same, where the break is rare", rare=True)
def test_holds_now(s):
    """Holds, this time."""

@prop("L2", "all is given back")
def test_all_is_given_back(s):
    """Holds here, but depends on C94, too."""
'''


def run(folder, properties, names):
    which = "SUBJECTS = [s for s in SUBJECTS if s.name in " + repr(names.split()) + "]\n"
    return Matrix(folder).run(properties, "--lifetimes-seconds=3", adapter=ADAPTER + which)


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    """What came of PROPERTIES with the fake."""
    return run(tmp_path_factory.mktemp("fake"), PROPERTIES, "fake gone")


def test_outcomes_of_a_library(fake):
    status, printed, document = fake
    outcomes = {o["property"]: (o["outcome"], o["expected"]) for o in document["outcomes"]}
    assert outcomes == {
        "C91": ("crashed", "crashed"),
        "C92": ("hung", "hung"),
        "C93": ("breaks", "breaks"),
        "C94": ("breaks", "holds"),
        "C95": ("failed", "holds"),
        "C96": ("n/a", "holds"),
        "C97": ("breaks", "breaks"),
        "C98": ("breaks", "crashed"),
        "C99": ("holds", "breaks"),
        "C90": ("breaks", "breaks"),
        "L2": ("breaks", "holds"),
    }, printed
    assert status == 1 and "6 failed, 5 xfailed" in printed, "what was not declared fails the run"
    assert "not balanced after C94" in printed
    assert "fake: C98 breaks, declared: crashed (as declared)" in printed
    assert "[XPASS(strict)] declared: C99 breaks (it was so once)" in printed


LACKING = '''
from lifetimes.harness import prop, program

@prop("C81", "asks for a method that is missing")
def test_method(s):
    """Appends."""
    s.MyClass().append(s.MyClass())

@prop("C82", "the same, in a program of its own")
def test_program(s):
    """Appends."""
    status, _, err = program(s, "m.MyClass().append(m.MyClass())")
    assert status == 0, err

@prop("C83", "asks for a function that is missing")
def test_function(s):
    """Makes a native object."""
    s.new_native()

@prop("C84", "is declared to break, which cannot be asked")
def test_declared(s):
    """Appends."""
    s.MyClass().append(s.MyClass())

@prop("C85", "asks for what there is")
def test_there(s):
    """Removes."""
    try:
        s.MyClass().remove(s.MyClass())
    except ValueError:
        pass
    else:
        assert False

@prop("C87", "asks for a function that is missing, in a program of its own")
def test_function_in_program(s):
    """Makes a native object."""
    status, _, err = program(s, "m.new_native()")
    assert status == 0, err

@prop("C86", "has a bug of its own")
def test_bug(s):
    """Appends to None."""
    None.nonesuch()
'''


def test_what_a_library_lacks_is_not_applicable_by_name(tmp_path):
    status, printed, document = run(tmp_path, LACKING, "partial")
    method, function = "partial has no MyClass.append", "partial has no new_native"
    assert {
        o["property"]: (o["outcome"], o["expected"], o["reason"])
        for o in document["outcomes"]
        if o["property"] != "C86"
    } == {
        "C81": ("n/a", "n/a", method),
        "C82": ("n/a", "n/a", method),
        "C83": ("n/a", "n/a", function),
        "C84": ("n/a", "breaks", "it has none"),
        "C85": ("holds", "holds", ""),
        "C87": ("n/a", "n/a", function),
    }, printed
    assert status == 1 and "2 failed, 1 passed, 4 skipped" in printed


def test_the_methods_that_can_be_missing_are_those_of_a_strategy():
    module = pp.strategy("naive")
    for owner, names in METHODS.items():
        assert {n for n in set(dir(getattr(module, owner))) - set(dir(object)) if not n.startswith("__")} == set(names)


def test_a_library_that_is_not_there_is_skipped_with_the_reason(fake):
    _, _, document = fake
    assert "gone" not in {s["name"] for s in document["subjects"]}
    assert [s["name"] for s in document["skipped"]] == ["gone"] and len(document["skipped"][0]["reason"]) > 10


def test_what_was_not_declared_is_listed(fake):
    _, _, document = fake
    listed = report.undeclared(document, ["fake"])
    assert "('breaks', 'C94', ...)" in listed and "('failed', 'C95', ...)" in listed and "KeyError" in listed
    assert "C91" not in listed and "C97" not in listed


@pytest.mark.parametrize("name", subjects.LIBRARIES)
def test_every_declared_difference_is_one(name):
    """Of a property that there is, with a reason, and not what the strategy does anyway."""
    library, known = subjects.load(name).adapter, known_properties()
    assert library.ships and library.idea
    for property_id, (outcome, reason) in library.declared.items():
        assert property_id in known, f"there is no property {property_id}"
        assert set(outcome.split("|")) <= {"holds", "breaks", "n/a", "crashed", "hung"}
        assert len(reason) > 10, f"{property_id} has no reason"
        shipped = library.shipped(property_id)
        assert shipped is None or shipped[0] != outcome, f"{property_id}: {library.ships} {outcome}, too"
