"""What becomes of a Python wrapper that dies before its native object: tests for any binding.

A plugin of pytest. An adapter (Adapter) says how the tests reach a library:

    python -m lifetimes init            # writes one, to be filled in
    pytest --lifetimes lifetimes_adapter.py
"""

from .subject import Adapter, Lacks, NotApplicable, extend

__all__ = ["Adapter", "Lacks", "NotApplicable", "extend"]
