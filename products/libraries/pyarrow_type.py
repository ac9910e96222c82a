import pyarrow

PRODUCT = {
    "library": "pyarrow",
    "holder": "ExtensionType in a Schema",
    "requirements": ("pip:pyarrow==26.0.1",),
    "megabytes": 170,
    "documented": "not found",
    "url": "https://arrow.apache.org/docs/python/extending_types.html",
}


class Class(pyarrow.ExtensionType):
    def __init__(self):
        super().__init__(pyarrow.int64(), "products.type")

    def __arrow_ext_serialize__(self):
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, serialized):
        return cls()


def make(cls):
    return cls()


def put(obj):
    return pyarrow.schema([("field", obj)])


def get(holder):
    return holder.field(0).type
