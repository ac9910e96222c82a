"""A molecule with an attribute that refers to the molecule is never collected.

Nothing about it was found in the documentation; classes of Boost.Python take no part in garbage collection.
"""

import gc
import sys
import weakref

from rdkit import Chem


class Value:
    pass


mol = Chem.MolFromSmiles("CCO")
mol.note, mol.parent = Value(), mol
alive = weakref.ref(mol.note)
del mol
gc.collect()
sys.exit(10 if alive() else 0)
