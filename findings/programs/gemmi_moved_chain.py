"""A chain that was fetched from a model reads freed memory after another chain was added to the model.

The documentation warns of it.
"""

import sys

import gemmi

NAME = "a name that is too long for the string itself to hold"
model = gemmi.Model(1)
model.add_chain(gemmi.Chain(NAME))
chain = model[0]
for _ in range(100):
    model.add_chain(gemmi.Chain("B"))
try:
    sys.exit(0 if chain.name == NAME else 10)
except (MemoryError, SystemError, UnicodeDecodeError):
    sys.exit(10)
