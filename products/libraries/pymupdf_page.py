import pymupdf

PRODUCT = {
    "library": "PyMuPDF",
    "holder": "Page of a Document",
    "requirements": ("pip:pymupdf==2.0",),
    "megabytes": 116,
    "documented": "not found",
    "url": "https://pymupdf.readthedocs.io/en/latest/page.html",
}

Class = None
documents = {}


def make(cls):
    document = pymupdf.open()
    page = document.new_page()
    documents[id(page)] = document
    return page


def put(obj):
    return documents.pop(id(obj))


def get(holder):
    return holder[0]
