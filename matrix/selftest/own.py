"""A matrix of a test's own: other properties, other declarations."""

import json
import subprocess
import sys

STRATEGY = "from subjects.strategies import Strategy\nSUBJECTS = [Strategy('naive', breaks={breaks!r})]\n"


class Matrix:
    def __init__(self, folder):
        self.folder, self.json, self.md = folder, folder / "m.json", folder / "m.md"

    def start(self, properties, *options, breaks=None, adapter=None):
        """pytest, with properties as a test file; an adapter's source, or naive and what it is to declare as broken."""
        (self.folder / "test_own.py").write_text(properties)
        (self.folder / "adapter.py").write_text(adapter or STRATEGY.format(breaks=breaks))
        command = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "lifetimes.plugin",
            "--lifetimes",
            str(self.folder / "adapter.py"),
        ]
        command += [f"--lifetimes-json={self.json}", f"--lifetimes-md={self.md}", f"--rootdir={self.folder}"]
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *command, str(self.folder / "test_own.py"), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            start_new_session=True,
        )

    def run(self, *args, **kwargs):
        """(exit status, what was printed, the JSON that was written or None)"""
        process = self.start(*args, **kwargs)
        printed, _ = process.communicate()
        return process.returncode, printed, json.loads(self.json.read_text()) if self.json.exists() else None
