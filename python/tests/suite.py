"""For the tests of the package."""

import importlib.util
import sys
from pathlib import Path

import pyobject_preservation as pp

ROOT = Path(__file__).resolve().parent.parent.parent

GIL = not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled()

# The strategies that this interpreter can load.
USABLE = tuple(name for name in pp.STRATEGIES if GIL or not pp.declaration(name)["needs_gil"])


def from_file(path):
    """A program of the repository as a module, by its path. Programs in several folders have the same name."""
    sys.path.insert(0, str((ROOT / path).parent))
    spec = importlib.util.spec_from_file_location(path.replace("/", "_").removesuffix(".py"), ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.pop(0)
    return module
