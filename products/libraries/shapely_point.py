import shapely

PRODUCT = {
    "library": "shapely",
    "holder": "Point in a GeometryCollection",
    "requirements": ("pip:shapely==2.2.0",),
    "megabytes": 81,
    "documented": "not found",
    "url": "https://shapely.readthedocs.io/en/stable/geometry.html",
}

Class = shapely.Point


def make(cls):
    return cls(1, 2)


def put(obj):
    return shapely.GeometryCollection([obj])


def get(holder):
    return holder.geoms[0]
