"""An attribute of a klayout.db object is never freed, though nothing refers to the object any more.

Nothing about it was found in the documentation.
"""

import gc
import sys
import weakref

import klayout.db as db


class Value:
    pass


box = db.Box(0, 0, 1, 1)  # a plain value, which no other object holds
box.note = Value()
alive = weakref.ref(box.note)
del box
gc.collect()
sys.exit(10 if alive() else 0)
