import lief

PRODUCT = {
    "library": "LIEF",
    "holder": "Section added to an ELF binary",
    "requirements": ("pip:lief==1.0.0",),
    "megabytes": 12,
    "documented": "not found",
    "url": "https://lief.re/doc/latest/formats/elf/python.html",
}

Class = lief.ELF.Section


def make(cls):
    return cls("name")


def put(obj):
    holder = lief.ELF.parse("/usr/bin/env")
    holder.add(obj)
    return holder


def get(holder):
    return holder.get_section("name")
