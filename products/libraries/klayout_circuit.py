import klayout.db as db

PRODUCT = {
    "library": "KLayout",
    "holder": "Circuit in a Netlist",
    "requirements": ("pip:klayout==0.30.12",),
    "megabytes": 108,
    "documented": "not found",
    "url": "https://www.klayout.de/doc/programming/python.html",
}

Class = db.Circuit


def make(cls):
    return cls()


def put(obj):
    holder = db.Netlist()
    holder.add(obj)
    return holder


def get(holder):
    return next(holder.each_circuit())
