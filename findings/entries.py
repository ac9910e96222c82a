"""The findings: one entry for each program in programs/, by its name."""

from typing import NamedTuple


class Finding(NamedTuple):
    library: str
    requirements: tuple  # "pip:NAME==VERSION" or "apt:NAME==VERSION", the library itself first
    properties: tuple  # of matrix/lifetimes/properties
    what: str
    documented: str  # "yes", "not found", or where else it says so
    url: str  # where the documentation says so, or should
    crash: bool = False  # expected: death by a signal; otherwise the program notices, and exits with status 10
    pythons: tuple = ()  # the only versions of CPython on which it happens; empty: any

    @property
    def version(self):
        kind, _, pinned = self.requirements[0].partition(":")
        return pinned.split("==")[1] + (" (Debian)" if kind == "apt" else "")


NOT_FOUND = "not found"
PYQT = ("pip:PyQt6==6.11.0",)
OCP = ("pip:cadquery-ocp-novtk==8.0.1.1.0",)
OPENMM = ("pip:OpenMM==8.6.1",)
PANDA = ("pip:panda3d==1.10.16",)
RDKIT = ("pip:rdkit==2026.9.1",)
USD = ("pip:usd-core==26.11",)
VTK = ("pip:vtk==9.7.1",)

FINDINGS = {
    "klayout_attributes": Finding(
        "KLayout",
        ("pip:klayout==0.30.12",),
        ("L4",),
        "An attribute of any object that is not of a Python subclass is never freed.",
        NOT_FOUND,
        "https://www.klayout.de/doc/programming/python.html",
    ),
    "usd_stage_cache": Finding(
        "USD",
        USD,
        ("L4",),
        "A stage that a StageCache held last never frees its attributes, though there is no cycle.",
        NOT_FOUND,
        "https://openusd.org/release/api/class_usd_stage_cache.html",
    ),
    "usd_layer_cycle": Finding(
        "USD",
        USD,
        ("G6",),
        "A cycle from a stage's root layer through an attribute to the stage is never collected.",
        NOT_FOUND,
        "https://openusd.org/release/api/class_usd_stage.html",
    ),
    "pyqt6_item_lost": Finding(
        "PyQt6",
        PYQT,
        ("S1", "I7"),
        "A QStandardItem keeps its attributes if Python made it, and loses them if its model did.",
        NOT_FOUND,
        "https://www.riverbankcomputing.com/static/Docs/PyQt6/",
    ),
    "pyqt6_item_removed": Finding(
        "PyQt6",
        PYQT,
        ("D1",),
        "A QStandardItem used after its row was removed raises RuntimeError if Python made it, and crashes if its model did.",
        NOT_FOUND,
        "https://www.riverbankcomputing.com/static/Docs/PyQt6/",
        crash=True,
    ),
    "pyqt6_invisible_root": Finding(
        "PyQt6",
        PYQT,
        ("D1",),
        "`invisibleRootItem()` of a model that has died crashes when used; other items raise RuntimeError.",
        NOT_FOUND,
        "https://doc.qt.io/qt-6/qstandarditemmodel.html#invisibleRootItem",
        crash=True,
    ),
    "ocp_subclass_lost": Finding(
        "cadquery-ocp",
        OCP,
        ("S1", "S4"),
        "The Python subclass and the attributes of an object are lost once only native code holds it.",
        "as an issue of pybind11",
        "https://github.com/pybind/pybind11/issues/1333",
    ),
    "ocp_fetched_while_dying": Finding(
        "cadquery-ocp",
        OCP,
        ("S10",),
        "A `__del__` in `__slots__` that fetches the object it belongs to gets a wrapper that is being freed; the variable refers to another object later.",
        NOT_FOUND,
        "https://pybind11.readthedocs.io/en/stable/advanced/classes.html",
        crash=True,
    ),
    "pythonnet_weakref": Finding(
        "Python.NET",
        ("pip:pythonnet==3.2.1", "pip:dotnetcore2==3.1.23"),
        ("W1",),
        "A weak reference to an object of a class derived from .NET says dead while .NET holds it, and alive after a fetch.",
        NOT_FOUND,
        "https://pythonnet.github.io/pythonnet/python.html",
    ),
    "pyarrow_extension_type": Finding(
        "pyarrow",
        ("pip:pyarrow==26.0.1",),
        ("S1", "I2"),
        "An extension type that only a schema holds is made anew from its serialized form, without its attributes.",
        NOT_FOUND,
        "https://arrow.apache.org/docs/python/extending_types.html",
    ),
    "lxml_attributes": Finding(
        "lxml",
        ("pip:lxml==6.1.3",),
        ("S1", "S4"),
        "An element that only its tree holds loses its Python class and its attributes.",
        "yes",
        "https://lxml.de/element_classes.html#element-initialization",
    ),
    "openmm_subclass_lost": Finding(
        "OpenMM",
        OPENMM,
        ("I1", "S1", "S4"),
        "A force that a System holds has lost its Python subclass and attributes, even while the wrapper lives.",
        NOT_FOUND,
        "https://docs.openmm.org/latest/api-python/generated/openmm.openmm.System.html",
    ),
    "openmm_other_string": Finding(
        "OpenMM",
        OPENMM,
        ("D1",),
        "A force that outlives its System reads the energy expression of another force, without an error.",
        "the ownership",
        "https://docs.openmm.org/latest/api-python/generated/openmm.openmm.System.html",
        crash=True,
    ),
    "openbabel_other_atom": Finding(
        "Open Babel",
        ("pip:openbabel-wheel==3.1.1.23",),
        ("D1",),
        "An atom that outlives its molecule reads another molecule's atom, without an error.",
        NOT_FOUND,
        "https://open-babel.readthedocs.io/en/latest/UseTheLibrary/PythonDoc.html",
        crash=True,
    ),
    "rdkit_other_atom": Finding(
        "RDKit",
        RDKIT,
        ("D1",),
        "An atom that was removed reads another molecule's atom, without an error.",
        NOT_FOUND,
        "https://www.rdkit.org/docs/source/rdkit.Chem.rdchem.html",
        crash=True,
    ),
    "rdkit_atom_attributes": Finding(
        "RDKit",
        RDKIT,
        ("I1", "S1"),
        "An attribute of an Atom is lost at once, one of a Mol that a MolBundle holds is kept.",
        NOT_FOUND,
        "https://www.rdkit.org/docs/GettingStartedInPython.html",
    ),
    "rdkit_cycle": Finding(
        "RDKit",
        RDKIT,
        ("G2",),
        "A molecule with an attribute that refers to itself is never collected.",
        NOT_FOUND,
        "https://www.rdkit.org/docs/source/rdkit.Chem.rdchem.html",
    ),
    "ortools_other_name": Finding(
        "OR-Tools",
        ("pip:ortools==9.15.6755",),
        ("D1",),
        "A variable that outlives its pywraplp.Solver reads another solver's variable, without an error.",
        NOT_FOUND,
        "https://developers.google.com/optimization/reference/python/linear_solver/pywraplp",
        crash=True,
    ),
    "pymeshlab_dead_mesh": Finding(
        "PyMeshLab",
        ("pip:pymeshlab==2025.7.post1",),
        ("D1",),
        "A mesh that outlives its MeshSet reads freed memory, without an error.",
        NOT_FOUND,
        "https://pymeshlab.readthedocs.io/en/latest/classes/meshset.html",
        crash=True,
    ),
    "gemmi_moved_chain": Finding(
        "gemmi",
        ("pip:gemmi==0.7.5",),
        ("D1",),
        "A chain fetched from a model reads freed memory after another was added to the model.",
        "yes",
        "https://gemmi.readthedocs.io/en/latest/mol.html",
        crash=True,
    ),
    "lief_removed_section": Finding(
        "LIEF",
        ("pip:lief==1.0.0",),
        ("D1",),
        "A section crashes when used after it was removed from its binary.",
        NOT_FOUND,
        "https://lief.re/doc/latest/formats/elf/python.html",
        crash=True,
    ),
    "box2d_dead_world": Finding(
        "Box2D",
        ("pip:Box2D==2.3.10",),
        ("D1",),
        "A body crashes when used after its world has died.",
        "for C++",
        "https://github.com/pybox2d/pybox2d/wiki/manual",
        crash=True,
    ),
    "pyscipopt_dead_model": Finding(
        "PySCIPOpt",
        ("pip:PySCIPOpt==6.3.0",),
        ("D1",),
        "A variable crashes when used after its model has died.",
        NOT_FOUND,
        "https://pyscipopt.readthedocs.io/en/latest/api/variable.html",
        crash=True,
    ),
    "gdal_dead_collection": Finding(
        "GDAL",
        ("apt:python3-gdal==3.6.2",),
        ("D1",),
        "A geometry crashes when used after the collection that it was fetched from has died.",
        "yes",
        "https://gdal.org/en/stable/api/python/python_gotchas.html",
        crash=True,
    ),
    "panda3d_subclass_lost": Finding(
        "Panda3D",
        PANDA,
        ("I1", "S1", "S4"),
        "A node that its parent holds has lost its Python subclass and attributes, even while the wrapper lives.",
        "yes",
        "https://docs.panda3d.org/1.10/python/programming/object-management/subclassing",
    ),
    "panda3d_tag_cycle": Finding(
        "Panda3D",
        PANDA,
        ("G6",),
        "A Python object kept by `setPythonTag`, the documented way, that refers to its node is never collected.",
        NOT_FOUND,
        "https://docs.panda3d.org/1.10/python/programming/object-management/subclassing",
    ),
    "simpleitk_attributes": Finding(
        "SimpleITK",
        ("pip:SimpleITK==2.5.7",),
        ("I1", "S1"),
        "A transform that a CompositeTransform holds has lost its attributes, even while the wrapper lives.",
        NOT_FOUND,
        "https://simpleitk.readthedocs.io/en/master/fundamentalConcepts.html",
    ),
    "pygame_cycle": Finding(
        "pygame-ce",
        ("pip:pygame-ce==2.5.8",),
        ("G6",),
        "A cycle through a surface and its subsurface is never collected.",
        NOT_FOUND,
        "https://pyga.me/docs/ref/surface.html#pygame.Surface.subsurface",
    ),
    "vtk_slots": Finding(
        "VTK",
        VTK,
        ("S3",),
        "An instance of a subclass with `__slots__` crashes when it dies.",
        NOT_FOUND,
        "https://docs.vtk.org/en/latest/advanced/PythonWrappers.html",
        crash=True,
    ),
    "vtk_fetched_while_dying": Finding(
        "VTK",
        VTK,
        ("W7",),
        "A weak reference's callback that fetches the object gets a wrapper that is being freed; the variable refers to another object later.",
        NOT_FOUND,
        "https://docs.vtk.org/en/latest/advanced/PythonWrappers.html",
        crash=True,
    ),
    "pygobject_slots": Finding(
        "PyGObject",
        ("apt:python3-gi==3.42.2", "apt:gir1.2-glib-2.0==1.74.0"),
        ("S3",),
        "An instance of a subclass with `__slots__` is freed while native code holds the object; what is fetched then crashes.",
        NOT_FOUND,
        "https://pygobject.gnome.org/",
        crash=True,
    ),
    "pyside6_parent_none": Finding(
        "PySide6",
        ("pip:PySide6-Essentials==6.12.0",),
        ("S6",),
        "Each call of `QObject.parent()` that returns None takes a reference to None away; enough of them abort the process.",
        NOT_FOUND,
        "https://doc.qt.io/qtforpython-6/PySide6/QtCore/QObject.html",
        crash=True,
        pythons=("3.10", "3.11"),
    ),
    "torch_1_13_weakref": Finding(
        "PyTorch",
        ("apt:python3-torch==1.13.1",),
        ("W3",),
        "A tensor that a weak reference brought back loses its native object when native code releases it, unless a private method is called first.",
        "in a warning it gives",
        "https://github.com/pytorch/pytorch/blob/v1.13.1/torch/csrc/autograd/python_variable.cpp",
        crash=True,
    ),
    "symengine_subclass": Finding(
        "SymEngine",
        ("pip:symengine==0.15.0",),
        ("L4",),
        "An instance of a Python subclass of Symbol is never freed, even without a cycle.",
        "yes",
        "https://github.com/symengine/symengine.py/issues/379",
    ),
    "quantlib_class_lost": Finding(
        "QuantLib",
        ("pip:QuantLib==1.44",),
        ("I1", "S1"),
        "A quote comes back from its Handle as the base class, without its attributes, even while the wrapper lives.",
        NOT_FOUND,
        "https://quantlib-python-docs.readthedocs.io/en/latest/",
    ),
    "coal_cycle": Finding(
        "Coal",
        ("pip:coal==3.0.3",),
        ("G6",),
        "A cycle through a collision object and its geometry is never collected.",
        NOT_FOUND,
        "https://github.com/coal-library/coal",
    ),
}
