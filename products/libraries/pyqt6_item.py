from PyQt6.QtGui import QStandardItemModel

PRODUCT = {
    "library": "PyQt6",
    "holder": "QStandardItem that its model made",
    "requirements": ("pip:PyQt6==6.11.0",),
    "megabytes": 261,
    "documented": "not found",
    "url": "https://www.riverbankcomputing.com/static/Docs/PyQt6/",
}

Class = None
models = {}


def make(cls):
    model = QStandardItemModel(1, 1)
    model.setData(model.index(0, 0), "text")
    item = model.item(0)
    models[id(item)] = model
    return item


def put(obj):
    return models.pop(id(obj))


def get(holder):
    return holder.item(0)
