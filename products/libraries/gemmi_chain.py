import gemmi

PRODUCT = {
    "library": "gemmi",
    "holder": "Chain of a Model",
    "requirements": ("pip:gemmi==0.7.5",),
    "megabytes": 7,
    "documented": "not found",
    "url": "https://gemmi.readthedocs.io/en/latest/mol.html",
}

Class = gemmi.Chain


def make(cls):
    return cls("A")


def put(obj):
    holder = gemmi.Model(1)
    holder.add_chain(obj)
    return holder


def get(holder):
    return holder[0]
