from panda3d.core import PandaNode

PRODUCT = {
    "library": "Panda3D",
    "holder": "PandaNode of its parent",
    "requirements": ("pip:panda3d==1.10.16",),
    "megabytes": 175,
    "documented": "yes",
    "url": "https://docs.panda3d.org/1.10/python/programming/object-management/subclassing",
}

Class = PandaNode


def make(cls):
    return cls("node")


def put(obj):
    holder = PandaNode("holder")
    holder.addChild(obj)
    return holder


def get(holder):
    return holder.getChild(0)
