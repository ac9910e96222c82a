import gemmi

LIBRARY, HOLDER = "gemmi", "Chain of a Model"
REQUIREMENTS, MEGABYTES = ("pip:gemmi==0.7.5",), 7
DOCUMENTED, URL = "yes", "https://gemmi.readthedocs.io/en/latest/mol.html"

Class = gemmi.Chain


def make(cls):
    return cls("A")


def put(obj):
    holder = gemmi.Model(1)
    holder.add_chain(obj)
    return holder


def get(holder):
    return holder[0]
