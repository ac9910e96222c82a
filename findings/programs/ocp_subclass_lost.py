"""A Python subclass of an Open CASCADE class, and its attributes, are lost once only native code holds the object.

pybind11 knows it as inheritance slicing; nothing about it was found in the documentation of cadquery-ocp.
"""

import sys

from OCP.Geom import Geom_Line
from OCP.GeomAdaptor import GeomAdaptor_Curve
from OCP.gp import gp_Dir, gp_Pnt


class Axis(Geom_Line):
    pass


axis = Axis(gp_Pnt(0, 0, 0), gp_Dir(1, 0, 0))
axis.note = "mine"
holder = GeomAdaptor_Curve(axis)
before = holder.Curve() is axis
del axis
after = holder.Curve()
sys.exit(10 if before and type(after) is Geom_Line and not hasattr(after, "note") else 0)
