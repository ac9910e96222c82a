"""scripts/setup.sh and what it leaves, in folders of their own: nothing is installed or built."""

import os
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def checkout(tmp_path):
    """A folder with scripts/ and go.mod, whose name a shell has to quote."""
    folder = tmp_path / "it's a checkout"
    folder.mkdir()
    shutil.copytree(os.path.join(ROOT, "scripts"), folder / "scripts")
    shutil.copy(os.path.join(ROOT, "go.mod"), folder)
    return folder


def setup(checkout, path, *arguments):
    return subprocess.run(
        ["bash", "scripts/setup.sh", *arguments],
        cwd=checkout,
        env={"PATH": str(path), "HOME": str(checkout)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def bare(tmp_path):
    """A PATH without compilers, pkg-config, Python and Go, for a user who is not root."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for command in ("bash", "dirname", "sed", "cat", "mkdir", "tr", "grep"):
        (folder / command).symlink_to(shutil.which(command))
    (folder / "id").write_text("#!/bin/sh\necho 1000\n")
    (folder / "id").chmod(0o755)
    return folder


def test_all_that_is_missing_is_named_at_once(checkout, bare):
    done = setup(checkout, bare)
    assert done.returncode == 1
    missing = [line.removeprefix("setup: missing: ") for line in done.stderr.splitlines() if "missing: " in line]
    assert missing == ["a C compiler", "a C++ compiler", "pkg-config", "Python 3.10 or later"]
    assert done.stderr.splitlines()[-1] == (
        "setup: on Debian or Ubuntu: apt-get install gcc libc6-dev g++ pkg-config python3 python3-dev python3-venv"
    )


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("case $2 in *print*) echo 2.7;; *) exit 1;; esac", "is Python 2.7; CPython 3.10 or later is needed"),
        ("exit 1", "is not a Python, or does not run"),
    ],
    ids=["2.7", "none"],
)
def test_what_is_no_python_from_3_10_on_is_refused_in_a_line(checkout, bare, program, says):
    old = bare / "old"
    old.write_text(f"#!/bin/sh\n{program}\n")
    old.chmod(0o755)
    done = setup(checkout, bare, "old")
    assert (done.returncode, done.stderr) == (1, f"setup: {old} {says}\n")


@pytest.mark.skipif(not shutil.which("flock"), reason="needs flock")
def test_setups_of_a_checkout_wait_for_each_other(checkout, bare):
    (bare / "flock").symlink_to(shutil.which("flock"))
    (checkout / ".build").mkdir()
    with subprocess.Popen(["flock", ".build/setup.lock", "sleep", "2"], cwd=checkout) as other:
        subprocess.run(["sleep", "0.5"], check=True)
        done = setup(checkout, bare)
        assert other.wait() == 0
    assert done.stderr.startswith("setup: waiting for another setup of this checkout\n")
    assert "missing: a C compiler" in done.stderr, "it goes on afterwards"


def test_the_description_of_python_is_quoted(checkout):
    described = subprocess.run(
        [sys.executable, "scripts/describe_python.py", str(checkout)], cwd=checkout, capture_output=True, text=True
    )
    assert described.returncode == 0, described.stderr
    path = described.stdout.strip()
    assert path.startswith(str(checkout))
    script = '. "$1" && echo "$PKG_CONFIG_PATH" && pkg-config --cflags python3'
    done = subprocess.run(["bash", "-euc", script, "sh", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == os.path.join(os.path.dirname(path), "pkgconfig")
    assert "-I" in done.stdout.splitlines()[1]


def test_a_checkout_that_was_moved_says_so(checkout):
    (checkout / ".build" / "for").mkdir(parents=True)
    environment = checkout / ".build" / "env.sh"
    environment.write_text("export PP_ROOT=/where/it/was\n")
    (checkout / ".build" / "for" / "default").write_text(f"{environment}\n")
    done = subprocess.run(["bash", "scripts/with_python.sh", "", "true"], cwd=checkout, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == ("this checkout was copied or moved from /where/it/was since it was set up: make setup\n")
