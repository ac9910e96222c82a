"""A Python subclass of an OpenMM force, and its attributes, are lost as soon as a System holds it, even while the wrapper lives.

Nothing about it was found in the documentation.
"""

import sys

import openmm


class Spring(openmm.CustomExternalForce):
    pass


system, spring = openmm.System(), Spring("x^2")
spring.note = "mine"
system.addForce(spring)
held = system.getForce(0)
sys.exit(10 if type(held) is openmm.CustomExternalForce and not hasattr(held, "note") else 0)
