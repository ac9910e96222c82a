"""docs/bring-your-own.md, executed: in an empty folder outside of the repository, with an environment of its own.

The environment finds pytest, pip and setuptools in the one that runs this, so that nothing is downloaded.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Commands of the page that end with another status than 0, in their order.
STATUS = {
    "pytest --lifetimes lifetimes_adapter.py --lifetimes-write": [1],
    "pytest --lifetimes lifetimes_adapter.py": [1, 1, 0],
}


class Outside:
    """A folder and an environment, and commands that run in them."""

    def __init__(self, folder):
        self.folder, self.bin = folder, folder / "venv" / "bin"
        venv.create(folder / "venv", symlinks=True)
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}{getattr(sys, 'abiflags', '').replace('d', '')}"
        (site,) = (folder / "venv" / "lib").glob(f"{version}/site-packages")
        (site / "tools.pth").write_text(sysconfig.get_path("purelib"))
        # pip builds in place, and leaves its folders there.
        copied = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
        for name in "lifetimes", "pyproject.toml", "README.md":
            path = os.path.join(ROOT, "matrix", name)
            if os.path.isdir(path):
                shutil.copytree(path, folder / "repository" / "matrix" / name, ignore=copied)
            else:
                shutil.copy(path, folder / "repository" / "matrix")
        os.symlink(os.path.join(ROOT, "python"), folder / "repository" / "python")
        for name in "pytest", "pip":
            script = self.bin / name
            script.write_text(f'#!/bin/sh\nexec "{self.bin}/python" -m {name} "$@"\n')
            script.chmod(0o755)

    def run(self, command):
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
        environment["PATH"] = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        environment["REPOSITORY"] = str(self.folder / "repository")
        environment["PYTEST_ADDOPTS"] = "--lifetimes-quick"
        # The second means, to pip, that --no-build-isolation is given.
        environment |= {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
        return subprocess.run(
            ["bash", "-euc", command], cwd=self.folder / "work", capture_output=True, text=True, env=environment
        )


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    pytest.importorskip("setuptools", reason="pip needs it to build without a network")
    folder = tmp_path_factory.mktemp("outside")
    (folder / "repository" / "matrix").mkdir(parents=True)
    (folder / "work").mkdir()
    return Outside(folder)


def pieces():
    """The page's files and commands, in order: (name of the file or "sh", text)."""
    with open(os.path.join(ROOT, "docs", "bring-your-own.md"), encoding="utf-8") as f:
        page = f.read()
    for m in re.finditer(r"^(?:`([\w.]+)`:\n\n```\w+|```(sh|toml))\n(.*?)^```$", page, re.M | re.S):
        yield m[1] or m[2], m[3]


def test_the_page_runs_outside_of_the_repository(outside):
    """Install, build, first run, declarations, second run, pytest's options and times, as the page has them."""
    said, statuses = {}, {command: list(each) for command, each in STATUS.items()}
    for name, text in pieces():
        if name == "toml":
            reason = re.search(r'^I2 = (".*")$', text, re.M)[1]
            path = outside.folder / "work" / "lifetimes.toml"
            path.write_text(re.sub(r"^I2 = .*$", f"I2 = {reason}", path.read_text(), flags=re.M))
            continue
        if name != "sh":
            (outside.folder / "work" / name).write_text(text)
            continue
        for command in text.splitlines():
            done = outside.run(command)
            expected = statuses.get(command) or [0]
            assert done.returncode == expected.pop(0), f"{command}\n{done.stdout}{done.stderr}"
            said.setdefault(command, []).append(done.stdout)
    assert not any(statuses.values()), "the page has lost a command"
    first, last = said["pytest --lifetimes lifetimes_adapter.py"][-2:]
    assert "[box.breaks]\nI1 = " in first and "box has no MyClass.append" in first
    assert " xfailed in " in last
    (times,) = (out for command, (out, *_) in said.items() if "bench" in command)
    assert re.search(r"^wrap dead +\d+ ns \(.*×.* +\d+ ns .*×", times, re.M), times
    report = (outside.folder / "work" / "report.xml").read_text()
    assert 'name="outcome" value="breaks"' in report


TAKE_HOME = """
import lifetimes


class TakeHome(lifetimes.Adapter):
    ships = "preserve"

    def load(self):
        import complete_preserve

        return complete_preserve
"""


def test_a_take_home_extension_from_outside(outside):
    """The properties hold for an extension that took preserve home, but for what preserve declares."""
    import pyobject_preservation as pp

    subprocess.run([sys.executable, os.path.join(ROOT, "takehome", "build.py")], check=True)
    built = os.path.join(ROOT, ".build", "takehome", sysconfig.get_config_var("SOABI"))
    work = outside.folder / "work"
    shutil.copy(os.path.join(built, "complete_preserve" + sysconfig.get_config_var("EXT_SUFFIX")), work)
    (work / "take_home.py").write_text(TAKE_HOME)
    (work / "lifetimes.toml").write_text(
        "[TakeHome.breaks]\n"
        + "".join(f"{json.dumps(p)} = {json.dumps(why)}\n" for p, why in pp.declaration("preserve")["breaks"].items())
    )
    outside.run('python -c "import lifetimes" || pip install "$REPOSITORY/matrix"').check_returncode()
    done = outside.run("pytest --lifetimes take_home.py --lifetimes-quick -q")
    assert done.returncode == 0, done.stdout + done.stderr
