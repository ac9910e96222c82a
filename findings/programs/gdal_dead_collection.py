"""A geometry crashes when it is used after the collection that it was fetched from has died.

The documentation lists it among the gotchas of the Python bindings.
"""

from osgeo import ogr

collection = ogr.CreateGeometryFromWkt("GEOMETRYCOLLECTION (POINT (1 2))")
point = collection.GetGeometryRef(0)
del collection
print(point.ExportToWkt())
