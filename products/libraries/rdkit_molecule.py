from rdkit import Chem

PRODUCT = {
    "library": "RDKit",
    "holder": "Mol in a MolBundle",
    "requirements": ("pip:rdkit==2026.9.1",),
    "megabytes": 250,
    "documented": "not found",
    "url": "https://www.rdkit.org/docs/GettingStartedInPython.html",
}

Class = Chem.Mol


def make(cls):
    return cls()


def put(obj):
    holder = Chem.MolBundle()
    holder.AddMol(obj)
    return holder


def get(holder):
    return holder.GetMol(0)
