import coal

PRODUCT = {
    "library": "Coal",
    "holder": "Sphere in a CollisionObject",
    "requirements": ("pip:coal==3.0.3",),
    "megabytes": 390,
    "documented": "not found",
    "url": "https://github.com/coal-library/coal",
}

Class = coal.Sphere


def make(cls):
    return cls(1.0)


def put(obj):
    return coal.CollisionObject(obj)


def get(holder):
    return holder.collisionGeometry()
