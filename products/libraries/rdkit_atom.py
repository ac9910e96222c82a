from rdkit import Chem

LIBRARY, HOLDER = "RDKit", "Atom of a Mol"
REQUIREMENTS, MEGABYTES = ("pip:rdkit==2026.9.1",), 245
DOCUMENTED, URL = "not found", "https://www.rdkit.org/docs/GettingStartedInPython.html"

Class = None
molecules = {}


def make(cls):
    molecule = Chem.MolFromSmiles("C")
    atom = molecule.GetAtomWithIdx(0)
    molecules[id(atom)] = molecule
    return atom


def put(obj):
    return molecules.pop(id(obj))


def get(holder):
    return holder.GetAtomWithIdx(0)
