"""docs/take-home.md, executed: applies its diff to docs/scene.c, builds it, and runs its program."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CC = shlex.split(os.environ.get("CC", "cc"))
FLAGS = [
    "-O2",
    "-Wall",
    "-Wextra",
    "-Wno-unused-parameter",
    "-Wno-missing-field-initializers",
    "-Werror",
    "-shared",
    "-fPIC",
    "-I",
    ROOT,
]


def block(language):
    with open(os.path.join(ROOT, "docs", "take-home.md"), encoding="utf-8") as f:
        return re.search(rf"^```{language}\n(.*?)^```$", f.read(), re.M | re.S)[1]


def build(folder):
    paths = sysconfig.get_paths()
    subprocess.run(
        [
            *CC,
            *FLAGS,
            "-isystem",
            paths["include"],
            "-isystem",
            paths["platinclude"],
            "scene.c",
            "-o",
            "scene" + sysconfig.get_config_var("EXT_SUFFIX"),
        ],
        cwd=folder,
        check=True,
    )


def probe(folder):
    return subprocess.run(
        [sys.executable, "-c", block("python")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )


@pytest.fixture
def scene(tmp_path):
    shutil.copy(os.path.join(ROOT, "docs", "scene.c"), tmp_path)
    return tmp_path


def test_the_extension_loses_everything_before(scene):
    build(scene)
    done = probe(scene)
    assert done.returncode == 1 and "AttributeError" in done.stderr, done.stderr


def test_the_diff_preserves_it(scene):
    (scene / "take-home.diff").write_text("--- a/scene.c\n+++ b/scene.c\n" + block("diff"), encoding="utf-8")
    apply = ["patch", "-p1", "-i"] if shutil.which("patch") else ["git", "apply", "--unidiff-zero"]
    subprocess.run(
        [*apply, "take-home.diff"],
        cwd=scene,
        check=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(scene.parent)},
    )
    build(scene)
    done = probe(scene)
    assert (done.returncode, done.stdout) == (0, "preserved\n"), done.stderr
