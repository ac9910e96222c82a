"""The commands that README shows work."""

import glob
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def blocks():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        return re.findall(r"^```sh\n(.*?)^```$", f.read(), re.M | re.S)


def documents():
    found = [name for depth in ("*", "*/*", "*/*/*") for name in glob.glob(f"{depth}.md", root_dir=ROOT)]
    return [name for name in found if not name.startswith("results/") and "testdata" not in name]


def test_links_between_documents_lead_somewhere():
    for name in documents():
        with open(os.path.join(ROOT, name), encoding="utf-8") as f:
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", f.read()):
                if "://" not in target:
                    path = os.path.join(ROOT, os.path.dirname(name), target)
                    assert os.path.exists(path), f"{name}: {target}"


@pytest.mark.parametrize(
    ("part", "file", "pattern"),
    [
        ("kit", "lifetime/slot.h", r'^#define LT_VERSION "(.*?)"'),
        ("lifetimes", "matrix/pyproject.toml", r'^version = "(.*?)"'),
    ],
)
def test_the_newest_change_is_of_this_version(part, file, pattern):
    with open(os.path.join(ROOT, "CHANGELOG.md"), encoding="utf-8") as f:
        newest = re.search(rf"^## {part} (\S+),", f.read(), re.M)[1]
    with open(os.path.join(ROOT, file), encoding="utf-8") as f:
        assert re.search(pattern, f.read(), re.M)[1] == newest


def test_readme_shows_the_two_commands():
    assert blocks()[:2] == ["make bench\n", "make test\n"]


def test_every_make_target_that_the_documents_name_exists():
    for name in documents():
        with open(os.path.join(ROOT, name), encoding="utf-8") as f:
            for target in set(re.findall(r"(?:^|`)make ([a-z][a-z0-9-]*)", f.read(), re.M)):
                done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
                assert done.returncode == 0, f"{name}: {done.stderr}"


@pytest.mark.parametrize("block", blocks()[2:], ids=lambda b: b.splitlines()[0][:40])
def test_the_other_commands_run(block):
    # The interpreter of this run stands in for the default one's .venv.
    python = os.environ.get("PP_PYTHON")
    if python:
        block = block.replace(".venv/bin/python", python).replace("make setup\n", "")
    # One strategy needs the GIL.
    done = subprocess.run(
        ["bash", "-euc", block],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHON_GIL": "1"},
    )
    assert done.returncode == 0, done.stderr


def test_the_first_story_is_true():
    import pyobject_preservation as pp
    from suite import USABLE

    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        code = re.search(r"^```python\n(.*?)^```$", f.read(), re.M | re.S)[1]
    seen = set()
    for name in USABLE:
        names = {"m": pp.strategy(name)}
        try:
            exec(code, names)
            seen.add(names["obj"].tag)
        except AttributeError:
            seen.add("lost")
    assert seen == {"lost", "mine"}
