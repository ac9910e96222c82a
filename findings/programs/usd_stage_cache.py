"""The attributes of a Usd.Stage are never freed if a StageCache held it last, though there is no cycle.

Nothing about it was found in the documentation.
"""

import gc
import sys
import weakref

from pxr import Usd


class Value:
    pass


stage, cache = Usd.Stage.CreateInMemory(), Usd.StageCache()
stage.note = Value()
alive = weakref.ref(stage.note)
cache.Insert(stage)
del stage
cache.Clear()
gc.collect()
sys.exit(10 if alive() else 0)
