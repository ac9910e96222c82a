from rdkit import Chem

LIBRARY, HOLDER = "RDKit", "Mol in a MolBundle"
REQUIREMENTS, MEGABYTES = ("pip:rdkit==2026.9.1",), 245
DOCUMENTED, URL = "not found", "https://www.rdkit.org/docs/GettingStartedInPython.html"

Class = Chem.Mol


def make(cls):
    return cls()


def put(obj):
    holder = Chem.MolBundle()
    holder.AddMol(obj)
    return holder


def get(holder):
    return holder.GetMol(0)
