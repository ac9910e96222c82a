"""An attribute of an atom is lost at once, though the atom lives; one of a molecule is kept by a MolBundle.

RDKit's own way is SetProp. Nothing about attributes was found in the documentation.
"""

import sys

from rdkit import Chem

mol = Chem.MolFromSmiles("CCO")
atom = mol.GetAtomWithIdx(0)
atom.note = mol.note = "mine"
bundle = Chem.MolBundle()
bundle.AddMol(mol)
lost = not hasattr(mol.GetAtomWithIdx(0), "note")
del mol
sys.exit(10 if lost and bundle.GetMol(0).note == "mine" else 0)
