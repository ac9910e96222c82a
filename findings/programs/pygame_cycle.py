"""A cycle through a surface and its subsurface is never collected.

Nothing about it was found in the documentation.
"""

import gc
import sys
import weakref

import pygame


class Sheet(pygame.Surface):
    pass


sheet = Sheet((8, 8))
sheet.part = sheet.subsurface((0, 0, 4, 4))
alive = weakref.ref(sheet)
del sheet
gc.collect()
sys.exit(10 if alive() else 0)
