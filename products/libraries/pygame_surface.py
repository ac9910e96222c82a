import pygame

PRODUCT = {
    "library": "pygame-ce",
    "holder": "Surface under its subsurface",
    "requirements": ("pip:pygame-ce==2.5.8",),
    "megabytes": 35,
    "documented": "not found",
    "url": "https://pyga.me/docs/ref/surface.html#pygame.Surface.subsurface",
}

Class = pygame.Surface


def make(cls):
    return cls((8, 8))


def put(obj):
    return obj.subsurface((0, 0, 4, 4))


def get(holder):
    return holder.get_parent()
