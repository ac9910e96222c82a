import lief

LIBRARY, HOLDER = "LIEF", "Section of an ELF binary"
REQUIREMENTS, MEGABYTES = ("pip:lief==1.0.0",), 12
DOCUMENTED, URL = "not found", "https://lief.re/doc/latest/formats/elf/python.html"

Class = lief.ELF.Section
parent = "/usr/bin/env"


def make(cls):
    return cls("name")


def put(obj):
    holder = lief.ELF.parse(parent)
    holder.add(obj)
    return holder


def get(holder):
    return holder.get_section("name")
