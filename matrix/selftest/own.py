"""A matrix of a test's own: other properties, other declarations."""

import json
import os
import subprocess
import sys

import harness

# Every Python process of that matrix begins with it.
DECLARE = """
import sys
sys.path.append({here!r})
import subjects
load = subjects.load

def declare(name):
    s = load(name)
    s.breaks = {declared!r}
    return s

subjects.load = declare
"""


class Matrix:
    def __init__(self, folder):
        self.folder, self.json, self.md = folder, folder / "m.json", folder / "m.md"

    def start(self, properties, *options, breaks=None, **environment):
        """pytest, with properties as a test file and, if given, what naive declares to break."""
        (self.folder / "test_own.py").write_text(properties)
        if breaks is not None:
            (self.folder / "sitecustomize.py").write_text(DECLARE.format(here=harness.HERE, declared=breaks))
        path = os.pathsep.join([str(self.folder), harness.HERE, os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "-p",
                "conftest",
                "--rootdir",
                str(self.folder),
                str(self.folder / "test_own.py"),
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": path,
                "MATRIX_SUBJECTS": "naive",
                "MATRIX_JSON": str(self.json),
                "MATRIX_MD": str(self.md),
                **environment,
            },
        )

    def run(self, *args, **kwargs):
        """(exit status, what was printed, what is in MATRIX_JSON or None)"""
        process = self.start(*args, **kwargs)
        printed, _ = process.communicate()
        return process.returncode, printed, json.loads(self.json.read_text()) if self.json.exists() else None
