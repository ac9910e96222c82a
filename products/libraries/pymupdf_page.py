import pymupdf

LIBRARY, HOLDER = "PyMuPDF", "Page of a Document"
REQUIREMENTS, MEGABYTES = ("pip:pymupdf==2.0.0",), 116
DOCUMENTED, URL = "not found", "https://pymupdf.readthedocs.io/en/latest/page.html"

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
