from lxml import etree

PRODUCT = {
    "library": "lxml",
    "holder": "element in its parent",
    "requirements": ("pip:lxml==6.1.3",),
    "megabytes": 12,
    "documented": "yes",
    "url": "https://lxml.de/element_classes.html#element-initialization",
}

Class = etree.ElementBase


def make(cls):
    return cls()


def put(obj):
    holder = etree.Element("holder")
    holder.append(obj)
    return holder


def get(holder):
    return holder[0]
