"""A force that outlives its System reads the memory of another force, without an error.

The documentation says that a System deletes its forces; nothing was found about wrappers of them.
"""

import sys

import openmm

MINE, THEIRS = "x^2 + 1000000000000000000000000000000000000", "y^2 + 2000000000000000000000000000000000000"
system = openmm.System()
system.addForce(openmm.CustomExternalForce(MINE))
force = system.getForce(0)
del system
others = [openmm.CustomExternalForce(THEIRS) for _ in range(50)]
sys.exit(0 if force.getEnergyFunction() == MINE else 10)
