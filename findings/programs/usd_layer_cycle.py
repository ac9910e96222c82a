"""A cycle from a Usd.Stage's root layer, through an attribute of the layer, to the stage is never collected.

Nothing about it was found in the documentation.
"""

import gc
import sys
import weakref

from pxr import Usd


class Value:
    pass


stage = Usd.Stage.CreateInMemory()
layer = stage.GetRootLayer()
layer.note, layer.stage = Value(), stage
alive = weakref.ref(layer.note)
del stage, layer
gc.collect()
sys.exit(10 if alive() else 0)
