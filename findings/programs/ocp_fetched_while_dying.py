"""A value in __slots__ whose __del__ asks native code for the object gets the wrapper that is being freed.

Later it is another object. Nothing about it was found in the documentation of pybind11 and cadquery-ocp.
"""

import os

from OCP.Geom import Geom_Line
from OCP.GeomAdaptor import GeomAdaptor_Curve
from OCP.gp import gp_Dir, gp_Pnt

Axis = type("Axis", (Geom_Line,), {"__slots__": ("value",)})


class Value:
    def __del__(self):
        fetched.append(holder.Curve())


fetched, axis = [], Axis(gp_Pnt(0, 0, 0), gp_Dir(1, 0, 0))
axis.value = Value()
holder = GeomAdaptor_Curve(axis)
del axis
others = [Axis(gp_Pnt(0, 0, 0), gp_Dir(0, 1, 0)) for _ in range(100)]
os._exit(10 if any(other is fetched[0] for other in others) else 0)  # freeing it twice may never end
