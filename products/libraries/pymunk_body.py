import pymunk

PRODUCT = {
    "library": "pymunk",
    "holder": "Body in a Space",
    "requirements": ("pip:pymunk==7.3.1",),
    "megabytes": 4,
    "documented": "not found",
    "url": "https://www.pymunk.org/en/latest/pymunk.html#pymunk.Space.bodies",
}

Class = pymunk.Body


def make(cls):
    return cls(1, 1)


def put(obj):
    holder = pymunk.Space()
    holder.add(obj)
    return holder


def get(holder):
    return next(iter(holder.bodies))
