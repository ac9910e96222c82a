"""An instance of a VTK subclass with __slots__ crashes when it dies.

Nothing about it was found in the documentation.
"""

from vtkmodules.vtkCommonCore import vtkInformation


class Node(vtkInformation):
    __slots__ = ("note",)


for _ in range(100):
    node = Node()
    node.note = "mine"
    del node
