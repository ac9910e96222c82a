from symengine import Symbol

LIBRARY, HOLDER = "SymEngine", "Symbol in a sum"
REQUIREMENTS, MEGABYTES = ("pip:symengine==0.15.0",), 60
DOCUMENTED, URL = "yes", "https://github.com/symengine/symengine.py/issues/379"

Class = Symbol


def make(cls):
    return cls("x")


def put(obj):
    return obj + 1


def get(holder):
    return holder.free_symbols.pop()
