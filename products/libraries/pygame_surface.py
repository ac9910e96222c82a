import pygame

LIBRARY, HOLDER = "pygame-ce", "Surface under its subsurface"
REQUIREMENTS, MEGABYTES = ("pip:pygame-ce==2.5.8",), 30
DOCUMENTED, URL = "not found", "https://pyga.me/docs/ref/surface.html#pygame.Surface.subsurface"

Class = pygame.Surface


def make(cls):
    return cls((8, 8))


def put(obj):
    return obj.subsurface((0, 0, 4, 4))


def get(holder):
    return holder.get_parent()
