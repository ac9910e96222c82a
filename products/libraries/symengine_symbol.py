from symengine import Symbol

PRODUCT = {
    "library": "SymEngine",
    "holder": "Symbol in a sum",
    "requirements": ("pip:symengine==0.15.0",),
    "megabytes": 121,
    "documented": "yes",
    "url": "https://github.com/symengine/symengine.py/issues/379",
}

Class = Symbol


def make(cls):
    return cls("x")


def put(obj):
    return obj + 1


def get(holder):
    return holder.free_symbols.pop()
