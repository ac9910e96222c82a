from PyQt6.QtCore import QObject

LIBRARY, HOLDER = "PyQt6", "QObject of its parent"
REQUIREMENTS, MEGABYTES = ("pip:PyQt6==6.11.0",), 262
DOCUMENTED, URL = "not found", "https://www.riverbankcomputing.com/static/Docs/PyQt6/"

Class = QObject


def make(cls):
    return cls()


def put(obj):
    holder = QObject()
    obj.setParent(holder)
    return holder


def get(holder):
    return holder.children()[0]
