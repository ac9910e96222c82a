"""An extension type written in Python loses its attributes when only a field holds it: it is deserialized anew.

The documentation says how types are deserialized; nothing was found about it happening within a process.
"""

import sys

import pyarrow as pa


class Money(pa.ExtensionType):
    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, serialized):
        return cls(storage, "findings.money")


money = Money(pa.int64(), "findings.money")
money.note = "mine"
field = pa.field("price", money)
before = field.type is money
del money
sys.exit(10 if before and not hasattr(field.type, "note") else 0)
