"""Every public operation with every allocation of CPython's failing: MemoryError or success, and nothing is lost.

allocation_failures.py does it, in a process for each subject, so that a crash is that
subject's failure. The take-home extensions take part where make takehome has built them.
PP_EVERY_ALLOCATION=1: every allocation of an import, too, which takes half a minute.
"""

import json
import os
import shlex
import subprocess
import sys
import sysconfig

import pyobject_preservation as pp
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SECONDS = 120
EVERY = bool(os.environ.get("PP_EVERY_ALLOCATION"))

sys.path.insert(0, os.path.join(ROOT, "matrix"))
import subjects  # noqa: E402

TAKE_HOME = [name for name, adapter in subjects.LIBRARIES.items() if adapter == "takehome"]


@pytest.fixture(scope="session")
def nomemory(tmp_path_factory):
    """The folder of the module that makes allocations fail."""
    folder = tmp_path_factory.mktemp("nomemory")
    paths = sysconfig.get_paths()
    subprocess.run(
        [
            *shlex.split(os.environ.get("CC") or "cc"),
            "-O2",
            "-Wall",
            "-Werror",
            "-shared",
            "-fPIC",
            f"-I{paths['include']}",
            f"-I{paths['platinclude']}",
            os.path.join(HERE, "nomemory.c"),
            "-o",
            str(folder / "nomemory") + sysconfig.get_config_var("EXT_SUFFIX"),
        ],
        check=True,
    )
    return str(folder)


def run(nomemory, subject, *options):
    """What the program found out about a subject."""
    path = os.pathsep.join([nomemory, os.environ.get("PYTHONPATH", "")])
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", os.path.join(HERE, "allocation_failures.py"), subject, *options],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, "PYTHONPATH": path, "PYTHON_GIL": "1"},
        )
    except subprocess.TimeoutExpired as e:
        pytest.fail(f"{subject} hangs\n{(e.stderr or b'')[-3000:]!r}")
    assert done.returncode == 0, f"{subject}: status {done.returncode}\n{done.stderr[-5000:]}"
    return json.loads(done.stdout)


# Pure Python code shows it: lists, dicts and classes made with allocations failing, then gc.collect().
@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="a free-threaded CPython 3.13 damages its own heap without memory",
)
@pytest.mark.parametrize("name", [*pp.STRATEGIES, *TAKE_HOME])
def test_every_operation_with_every_allocation_failing(name, nomemory, record_property):
    if name in TAKE_HOME and (why := subjects.missing(name)):
        pytest.skip(why)
    found = run(nomemory, name)
    record_property("allocations that failed", found["injected"])
    assert not found["wrong"], "\n".join(found["wrong"])
    assert found["operations"] > 100 and found["injected"] > 400


def test_an_import_with_allocations_failing_can_be_tried_again(nomemory, record_property):
    found = run(nomemory, "import", *(["--every"] if EVERY else []))
    record_property("allocations that failed", found["injected"])
    assert found["injected"] > 50
