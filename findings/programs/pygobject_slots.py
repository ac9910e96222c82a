"""A GObject subclass with __slots__ is freed while native code holds the object, and what is fetched then crashes.

Nothing about it was found in the documentation.
"""

from gi.repository import Gio, GObject


class Node(GObject.Object):
    __slots__ = ("note",)


store = Gio.ListStore.new(Node)
node = Node()
node.note = ["mine"]
store.append(node)
del node
for _ in range(100):
    other = [bytearray(b"\xff") * size for size in range(8, 400, 8)]
    print(store.get_item(0).note)
