from PyQt6.QtCore import QObject

PRODUCT = {
    "library": "PyQt6",
    "holder": "QObject of its parent",
    "requirements": ("pip:PyQt6==6.11.0",),
    "megabytes": 261,
    "documented": "not found",
    "url": "https://www.riverbankcomputing.com/static/Docs/PyQt6/",
}

Class = QObject


def make(cls):
    return cls()


def put(obj):
    holder = QObject()
    obj.setParent(holder)
    return holder


def get(holder):
    return holder.children()[0]
