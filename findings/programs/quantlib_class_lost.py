"""A quote comes back from its Handle as an instance of the base class, without its attributes, even while the wrapper lives.

Nothing about it was found in the documentation.
"""

import sys

import QuantLib as ql

quote = ql.SimpleQuote(0.05)
quote.note = "mine"
handle = ql.QuoteHandle(quote)
held = handle.currentLink()
sys.exit(10 if type(held) is ql.Quote and not hasattr(held, "note") else 0)
