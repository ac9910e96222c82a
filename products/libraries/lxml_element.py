from lxml import etree

LIBRARY, HOLDER = "lxml", "element in its parent"
REQUIREMENTS, MEGABYTES = ("pip:lxml==6.1.3",), 12
DOCUMENTED, URL = "yes", "https://lxml.de/element_classes.html#element-initialization"

Class = etree.ElementBase


def make(cls):
    return cls()


def put(obj):
    holder = etree.Element("holder")
    holder.append(obj)
    return holder


def get(holder):
    return holder[0]
