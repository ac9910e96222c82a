"""A QStandardItem that its model made loses its attributes with its wrapper; one that Python made keeps them.

Nothing about it was found in the documentation of PyQt.
"""

import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PyQt6.QtGui import QStandardItem, QStandardItemModel

model = QStandardItemModel()
model.appendRow(QStandardItem("made by Python"))
model.insertRow(1)
model.setData(model.index(1, 0), "made by the model")
for row in 0, 1:
    model.item(row).note = "mine"
kept = [hasattr(model.item(row), "note") for row in (0, 1)]
sys.exit(10 if kept == [True, False] else 0)
