"""An instance of a Python subclass of symengine.Symbol is never freed, even without a cycle.

The documentation of the class says so, and how to avoid it.
"""

import gc
import sys
import weakref

from symengine import Symbol


class Name(Symbol):
    pass


name = Name("x")
name.note = type("Value", (), {})()
alive = weakref.ref(name.note)
del name
gc.collect()
sys.exit(10 if alive() else 0)
