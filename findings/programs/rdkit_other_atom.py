"""An atom that was removed from its molecule reads the memory of another molecule's atom, without an error.

Nothing about it was found in the documentation.
"""

import sys

from rdkit import Chem

mol = Chem.RWMol(Chem.MolFromSmiles("CCO"))
atom = mol.GetAtomWithIdx(2)
mol.RemoveAtom(2)
others = [Chem.MolFromSmiles("NNN") for _ in range(100)]
sys.exit(0 if atom.GetSymbol() == "O" else 10)
