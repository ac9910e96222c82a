from pxr import Usd

PRODUCT = {
    "library": "USD",
    "holder": "Prim of a Stage",
    "requirements": ("pip:usd-core==26.11",),
    "megabytes": 209,
    "documented": "not found",
    "url": "https://openusd.org/release/api/class_usd_prim.html",
}

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
