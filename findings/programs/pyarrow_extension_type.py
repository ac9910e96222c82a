"""An extension type written in Python loses its attributes when only a schema holds it: it is deserialized anew.

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
schema = pa.schema([("price", money)])
before = schema.field(0).type is money
del money
sys.exit(10 if before and not hasattr(schema.field(0).type, "note") else 0)
