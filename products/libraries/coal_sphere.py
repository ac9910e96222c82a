import coal

LIBRARY, HOLDER = "Coal", "Sphere in a CollisionObject"
REQUIREMENTS, MEGABYTES = ("pip:coal==3.0.3",), 150
DOCUMENTED, URL = "not found", "https://github.com/coal-library/coal"

Class = coal.Sphere


def make(cls):
    return cls(1.0)


def put(obj):
    return coal.CollisionObject(obj)


def get(holder):
    return holder.collisionGeometry()
