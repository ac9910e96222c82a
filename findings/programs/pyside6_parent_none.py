"""QObject.parent() of an object without a parent returns None and takes a reference to None away; enough calls abort the process.

From CPython 3.12 on, None is immortal and nothing is seen. PySide6 6.10 is right.
"""

import sys

from PySide6.QtCore import QObject

thing = QObject()
before = sys.getrefcount(None)
for _ in range(500):
    thing.parent()
sys.exit(10 if sys.getrefcount(None) < before - 400 else 0)
