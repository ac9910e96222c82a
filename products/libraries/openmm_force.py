import openmm

LIBRARY, HOLDER = "OpenMM", "Force in a System"
REQUIREMENTS, MEGABYTES = ("pip:OpenMM==8.6.1",), 150
DOCUMENTED, URL = "not found", "https://docs.openmm.org/latest/api-python/generated/openmm.openmm.System.html"

Class = openmm.CustomExternalForce


def make(cls):
    return cls("x^2")


def put(obj):
    holder = openmm.System()
    holder.addForce(obj)
    return holder


def get(holder):
    return holder.getForce(0)
