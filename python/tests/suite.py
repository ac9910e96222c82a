"""For the tests of the package."""

import sys

import pyobject_preservation as pp

GIL = not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled()

# The strategies that this interpreter can load.
USABLE = tuple(name for name in pp.STRATEGIES if GIL or not pp.declaration(name)["needs_gil"])
