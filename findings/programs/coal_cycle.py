"""A cycle through a collision object and its geometry is never collected.

Nothing about it was found in the documentation; classes of Boost.Python take no part in garbage collection.
"""

import gc
import sys
import weakref

import coal


class Value:
    pass


sphere = coal.Sphere(1.0)
held = coal.CollisionObject(sphere)
sphere.note, sphere.holder = Value(), held
alive = weakref.ref(sphere.note)
del sphere, held
gc.collect()
sys.exit(10 if alive() else 0)
