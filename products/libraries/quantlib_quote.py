import QuantLib

PRODUCT = {
    "library": "QuantLib",
    "holder": "SimpleQuote in a Handle",
    "requirements": ("pip:QuantLib==1.44",),
    "megabytes": 86,
    "documented": "not found",
    "url": "https://quantlib-python-docs.readthedocs.io/en/latest/",
}

Class = QuantLib.SimpleQuote


def make(cls):
    return cls(0.05)


def put(obj):
    return QuantLib.QuoteHandle(obj)


def get(holder):
    return holder.currentLink()
