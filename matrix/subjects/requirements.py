"""What libraries need that `make peers` installs, by the library's name or its adapter's: packages of PyPI, pinned,
for an environment of their own, and packages of Debian for the system's python3."""

PYPI = {
    "pybind11": ["pybind11==3.1.0"],
    "nanobind": ["nanobind==3.1.0"],
    "swig": ["swig==4.5.1"],
    "vtk": ["vtk==9.7.1"],
    # Not 6.12.0: on CPython 3.11 its QObject.parent() and setParent() return None without
    # owning a reference to it, and a thousand calls abort the interpreter.
    "pyside6": ["PySide6-Essentials==6.10.1"],
    # On Linux several gigabytes, with what it depends on.
    "torch": ["torch==2.15.0"],
    "torch-1.13": [],
}

DEBIAN = {
    "boost": ["g++", "pkg-config", "libboost-python-dev"],
    "pygobject": ["g++", "pkg-config", "python3-gi", "python-gi-dev", "gir1.2-glib-2.0", "libglib2.0-dev"],
    "torch": [],
    "torch-1.13": ["g++", "python3-torch", "libtorch-dev"],
}


def of(table, library, adapter):
    return table.get(library, table.get(adapter, []))
