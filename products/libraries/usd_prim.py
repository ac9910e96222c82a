from pxr import Usd

LIBRARY, HOLDER = "USD", "Prim of a Stage"
REQUIREMENTS, MEGABYTES = ("pip:usd-core==26.11",), 217
DOCUMENTED, URL = "not found", "https://openusd.org/release/api/class_usd_prim.html"

Class = None
stages = {}


def make(cls):
    stage = Usd.Stage.CreateInMemory()
    prim = stage.DefinePrim("/prim")
    stages[id(prim)] = stage
    return prim


def put(obj):
    return stages.pop(id(obj))


def get(holder):
    return holder.GetPrimAtPath("/prim")
