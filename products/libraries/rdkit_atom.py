from rdkit import Chem

PRODUCT = {
    "library": "RDKit",
    "holder": "Atom of a Mol",
    "requirements": ("pip:rdkit==2026.9.1",),
    "megabytes": 250,
    "documented": "not found",
    "url": "https://www.rdkit.org/docs/GettingStartedInPython.html",
}

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
