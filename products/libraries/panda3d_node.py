from panda3d.core import PandaNode

LIBRARY, HOLDER = "Panda3D", "PandaNode of its parent"
REQUIREMENTS, MEGABYTES = ("pip:panda3d==1.10.16",), 167
DOCUMENTED, URL = "yes", "https://docs.panda3d.org/1.10/python/programming/object-management/subclassing"

Class = PandaNode


def make(cls):
    return cls("node")


def put(obj):
    holder = PandaNode("holder")
    holder.addChild(obj)
    return holder


def get(holder):
    return holder.getChild(0)
