"""A QStandardItem that its model made crashes when it is used after its row was removed.

One that Python made raises RuntimeError there. Nothing about the difference was found in the documentation.
"""

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PyQt6.QtGui import QStandardItem, QStandardItemModel

model = QStandardItemModel()
model.appendRow(QStandardItem("made by Python"))
model.insertRow(1)
model.setData(model.index(1, 0), "made by the model")
items = [model.item(row) for row in (0, 1)]
model.setRowCount(0)
for item in items:
    try:
        print(item.text())
    except RuntimeError as error:
        print(error)
