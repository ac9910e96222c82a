"""QStandardItemModel.invisibleRootItem() crashes when it is used after the model has died.

Other items raise RuntimeError there. Nothing about the difference was found in the documentation.
"""

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PyQt6.QtGui import QStandardItemModel

model = QStandardItemModel(2, 2)
root = model.invisibleRootItem()
del model
try:
    print(root.text())
except RuntimeError as error:
    print(error)
