"""An atom that outlives its molecule reads the memory of another molecule's atom, without an error.

Nothing about it was found in the documentation.
"""

import sys

from openbabel import openbabel as ob


def molecule(element):
    made = ob.OBMol()
    made.NewAtom().SetAtomicNum(element)
    return made


mol = molecule(6)
atom = mol.GetAtom(1)
del mol
others = [molecule(92) for _ in range(200)]
sys.exit(0 if atom.GetAtomicNum() == 6 else 10)
