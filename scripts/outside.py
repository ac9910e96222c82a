"""What findings/ and products/ share: an environment of its own with libraries from elsewhere, programs that run
in processes of their own, and the part of a page that is generated."""

import datetime
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class Environment:
    """.venv-<name> beside .venv, for the same interpreter. Packages of the system are visible in it.

    A requirement is "pip:NAME==VERSION" or "apt:NAME==VERSION"; Debian's versions need only begin so.
    """

    def __init__(self, name, say):
        self.say = say
        self.base = sys._base_executable
        self.folder = ROOT / Path(sys.prefix).name.replace(".venv", f".venv-{name}", 1)
        self.python = str(self.folder / "bin" / "python")
        tag, made_for = os.environ["PP_TAG"], self.folder / ".for"
        if not made_for.exists() or made_for.read_text() != tag:
            say(f"making {self.folder.name} with {self.base}")
            shutil.rmtree(self.folder, ignore_errors=True)
            subprocess.run([self.base, "-m", "venv", "--system-site-packages", self.folder], check=True)
            made_for.write_text(tag)

    def install(self, requirements):
        """Install what is missing. Returns the reason for each requirement that cannot be installed."""
        wanted = list(dict.fromkeys(requirements))
        present = {normal(line) for line in self._pip("freeze", "--all").stdout.splitlines()}
        missing = {}
        for i, requirement in enumerate(wanted, 1):
            kind, _, pinned = requirement.partition(":")
            if kind == "pip" and normal(pinned) in present:
                continue
            if kind == "pip":
                self.say(f"installing {pinned} ({i} of {len(wanted)})")
            reason = self._install_wheel(pinned) if kind == "pip" else self._install_debian(*pinned.split("=="))
            if reason:
                missing[requirement] = reason
        return missing

    def _pip(self, *arguments):
        return run([self.python, "-m", "pip", "--disable-pip-version-check", *arguments])

    def _install_wheel(self, pinned):
        # Never from source: what is examined is what its users install.
        done = self._pip("install", "--quiet", "--only-binary=:all:", pinned)
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        return (errors or ["pip install failed"])[-1].removeprefix("ERROR: ") if done.returncode else ""

    def _install_debian(self, package, version):
        if os.path.realpath(self.base) != os.path.realpath("/usr/bin/python3"):
            return "Debian's packages are for /usr/bin/python3"
        query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", package]
        if not shutil.which("apt-get"):
            return "this is neither Debian nor Ubuntu"
        if not run(query).stdout.startswith("ii"):
            if os.geteuid() != 0:
                return f"this is not root: apt-get install {package}"
            self.say(f"installing {package} (apt-get)")
            run(["apt-get", "update", "-qq"])
            apt = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
            if run(apt, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}).returncode:
                return f"apt-get install {package} failed"
        found = run(query).stdout.split()[-1]
        return "" if found.split(":")[-1].startswith(version) else f"{package} is {found} here, not {version}"


def normal(pinned):
    return pinned.lower().replace("_", "-")


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", **options)


def run_alone(command, seconds):
    """Run a program that may crash or hang. Returns its exit status (negative for a signal, None if the time
    was up), and what it printed."""
    try:
        done = run(command, stdin=subprocess.DEVNULL, timeout=seconds, preexec_fn=no_core, cwd="/")
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout + done.stderr


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def ended(status):
    """An exit status in words."""
    if status is None:
        return "time was up"
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def stamp():
    """Where and when something was measured, for a record."""
    return {"date": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}", "python": sys.version.split()[0]}


class Progress:
    """Says which of a number of steps is next, and about how long is left."""

    def __init__(self, say, steps):
        self.say, self.steps, self.done, self.begun = say, steps, 0, time.monotonic()

    def next(self, what):
        left = ""
        if self.done:
            seconds = (time.monotonic() - self.begun) / self.done * (self.steps - self.done)
            left = f" (about {seconds:.0f} s left)"
        self.done += 1
        self.say(f"[{self.done}/{self.steps}] {what}{left}")


def spliced(page, name, generated):
    """The text of a page with its generated part replaced; that is between two comments."""
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->\n)", re.S)
    assert len(pattern.findall(page)) == 1, f"the page lacks its part called {name}"
    return pattern.sub(lambda found: found[1] + generated + found[2], page)


def table(head, rows):
    """A Markdown table. A missing cell is an error of the caller."""
    assert all(len(row) == len(head) for row in rows)
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
