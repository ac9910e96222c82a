import pymunk

LIBRARY, HOLDER = "pymunk", "Body in a Space"
REQUIREMENTS, MEGABYTES = ("pip:pymunk==7.3.1",), 4
DOCUMENTED, URL = "not found", "https://www.pymunk.org/en/latest/pymunk.html#pymunk.Space.bodies"

Class = pymunk.Body


def make(cls):
    return cls(1, 1)


def put(obj):
    holder = pymunk.Space()
    holder.add(obj)
    return holder


def get(holder):
    return holder.bodies[0]
