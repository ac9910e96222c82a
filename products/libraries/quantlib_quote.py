import QuantLib

LIBRARY, HOLDER = "QuantLib", "SimpleQuote in a Handle"
REQUIREMENTS, MEGABYTES = ("pip:QuantLib==1.44",), 86
DOCUMENTED, URL = "not found", "https://quantlib-python-docs.readthedocs.io/en/latest/"

Class = QuantLib.SimpleQuote


def make(cls):
    return cls(0.05)


def put(obj):
    return QuantLib.QuoteHandle(obj)


def get(holder):
    return holder.currentLink()
