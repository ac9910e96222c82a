import openmm

PRODUCT = {
    "library": "OpenMM",
    "holder": "Force in a System",
    "requirements": ("pip:OpenMM==8.6.1",),
    "megabytes": 160,
    "documented": "not found",
    "url": "https://docs.openmm.org/latest/api-python/generated/openmm.openmm.System.html",
}

Class = openmm.CustomExternalForce


def make(cls):
    return cls("x^2")


def put(obj):
    holder = openmm.System()
    holder.addForce(obj)
    return holder


def get(holder):
    return holder.getForce(0)
