"""A mesh that outlives its MeshSet reads freed memory, without an error.

Nothing about it was found in the documentation.
"""

import sys

import numpy
import pymeshlab

triangle = pymeshlab.Mesh(numpy.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), numpy.array([[0, 1, 2]]))
meshes = pymeshlab.MeshSet()
meshes.add_mesh(triangle)
mesh = meshes.current_mesh()
del meshes
others = [bytearray(b"\xff") * size for size in range(8, 4000, 8)]
sys.exit(0 if mesh.vertex_number() == 3 else 10)
