"""findings/ is whole, its programs stand alone, and its runner judges rightly. Needs none of the libraries."""

import ast
import re

import pytest
from suite import ROOT, from_file

run = from_file("findings/run.py")
PROGRAMS = sorted(run.PROGRAMS.glob("*.py"))
OURS = {
    "pyobject_preservation",
    *(path.stem for folder in ("", "findings", "matrix", "scripts") for path in (ROOT / folder).iterdir()),
}
NATIVE = {"ctypes", "cffi"}


def imported(program):
    for node in ast.walk(ast.parse(program.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module.split(".")[0]


def test_every_program_has_an_entry_and_every_entry_a_program():
    assert [program.stem for program in PROGRAMS] == sorted(run.FINDINGS)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_a_program_is_short_and_stands_alone(program):
    text = program.read_text()
    assert len(text.splitlines()) <= 25
    assert ast.get_docstring(ast.parse(text))
    assert not {*imported(program)} & (OURS | NATIVE)


@pytest.mark.parametrize("name", run.FINDINGS)
def test_an_entry_is_complete(name):
    finding = run.FINDINGS[name]
    for requirement in finding.requirements:
        assert re.fullmatch(r"(pip|apt):[A-Za-z0-9.-]+==[0-9][A-Za-z0-9.]*", requirement)
    properties = "".join(path.read_text() for path in (ROOT / "matrix/lifetimes/properties").glob("test_*.py"))
    for id in finding.properties:
        assert f'@prop("{id}"' in properties
    assert finding.what.endswith(".") and finding.url.startswith("https://")
    # A program that says it is reproduced needs no crash; one that crashes need not say it.
    assert finding.crash or "sys.exit(10" in (run.PROGRAMS / f"{name}.py").read_text()


FAKES = {
    "import sys; sys.exit(10)": ("reproduced", "reproduced"),
    "pass": ("not reproduced", "not reproduced"),
    "import os; os.abort()": ("error", "reproduced"),
    "import os; os.kill(os.getpid(), 11)": ("error", "reproduced"),
    "import os; os.kill(os.getpid(), 9)": ("error", "error"),
    "import sys; sys.exit(3)": ("error", "error"),
    "1 / 0": ("error", "error"),
    "import no_such_library": ("error", "error"),
    "import time; time.sleep(60)": ("error", "error"),
}


@pytest.mark.parametrize("text", FAKES)
def test_the_verdict_on_a_program(text, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(text)
    seconds = 0.5 if "sleep" in text else 30
    for crash, expected in zip((False, True), FAKES[text]):
        verdicts, ends, _ = run.measure(run.sys.executable, program, crash, runs=2, seconds=seconds)
        assert verdicts == {expected: 2}
        assert sum(ends.values()) == 2


def test_a_failed_run_keeps_its_output(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("1 / 0")
    assert "ZeroDivisionError" in run.measure(run.sys.executable, program, False, runs=1)[2]


def test_what_was_measured_is_of_entries_at_their_version():
    for name, by_python in run.recorded().items():
        for result in by_python.values():
            assert result["version"] == run.FINDINGS[name].version
            assert 0 <= result["reproduced"] <= result["runs"] == sum(result["ends"].values())


def test_every_entry_was_measured():
    assert [*run.recorded()] == [*run.FINDINGS]


def test_the_page_is_what_the_entries_and_the_results_make():
    page = run.PAGE.read_text()
    assert run.outside.spliced(page, "findings", run.generated(run.recorded())) == page
