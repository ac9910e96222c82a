import shapely

LIBRARY, HOLDER = "shapely", "Point in a GeometryCollection"
REQUIREMENTS, MEGABYTES = ("pip:shapely==2.2.0",), 75
DOCUMENTED, URL = "not found", "https://shapely.readthedocs.io/en/stable/geometry.html"

Class = shapely.Point


def make(cls):
    return cls(1, 2)


def put(obj):
    return shapely.GeometryCollection([obj])


def get(holder):
    return holder.geoms[0]
