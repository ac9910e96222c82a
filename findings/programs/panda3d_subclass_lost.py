"""A Python subclass of PandaNode, and its attributes, are lost as soon as a parent holds the node, even while the wrapper lives.

The documentation says so, and offers setPythonTag.
"""

import sys

from panda3d.core import PandaNode


class Player(PandaNode):
    pass


root, player = PandaNode("root"), Player("player")
player.note = "mine"
root.addChild(player)
held = root.getChild(0)
sys.exit(10 if type(held) is PandaNode and not hasattr(held, "note") else 0)
