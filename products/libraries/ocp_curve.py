from OCP.Geom import Geom_Line
from OCP.GeomAdaptor import GeomAdaptor_Curve
from OCP.gp import gp_Dir, gp_Pnt

PRODUCT = {
    "library": "cadquery-ocp",
    "holder": "Geom_Line in a GeomAdaptor_Curve",
    "requirements": ("pip:cadquery-ocp-novtk==8.0.1.1.0",),
    "megabytes": 380,
    "documented": "as an issue of pybind11",
    "url": "https://github.com/pybind/pybind11/issues/1333",
}

Class = Geom_Line


def make(cls):
    return cls(gp_Pnt(0, 0, 0), gp_Dir(1, 0, 0))


def put(obj):
    return GeomAdaptor_Curve(obj)


def get(holder):
    return holder.Curve()
