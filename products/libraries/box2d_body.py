import Box2D

LIBRARY, HOLDER = "Box2D", "body of a world"
REQUIREMENTS, MEGABYTES = ("pip:Box2D==2.3.10",), 12
DOCUMENTED, URL = "not found", "https://github.com/pybox2d/pybox2d/wiki/manual"

Class = None
worlds = {}


def make(cls):
    world = Box2D.b2World()
    body = world.CreateDynamicBody()
    worlds[id(body)] = world
    return body


def put(obj):
    return worlds.pop(id(obj))


def get(holder):
    return holder.bodies[0]
