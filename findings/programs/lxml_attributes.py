"""An lxml element loses its Python class and attributes when the tree alone holds it.

The documentation says so: element proxies come and go, and keep their state in the XML only.
"""

import sys

from lxml import etree


class Item(etree.ElementBase):
    pass


tree, item = etree.Element("tree"), Item()
item.note = "mine"
tree.append(item)
before = tree[0] is item
del item
sys.exit(10 if before and type(tree[0]) is not Item and not hasattr(tree[0], "note") else 0)
