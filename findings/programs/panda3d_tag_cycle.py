"""A Python object that is stored with setPythonTag and refers to its node is never collected.

The documentation warns of it.
"""

import gc
import sys
import weakref

from panda3d.core import PandaNode


class Player:
    pass


node, player = PandaNode("node"), Player()
player.node = node
node.setPythonTag("player", player)
alive = weakref.ref(player)
del node, player
gc.collect()
sys.exit(10 if alive() else 0)
