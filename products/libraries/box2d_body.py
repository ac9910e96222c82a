import Box2D

PRODUCT = {
    "library": "Box2D",
    "holder": "body of a world",
    "requirements": ("pip:Box2D==2.3.10",),
    "megabytes": 14,
    "documented": "not found",
    "url": "https://github.com/pybox2d/pybox2d/wiki/manual",
}

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
