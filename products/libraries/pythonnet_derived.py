import os

import dotnetcore2
import pythonnet

PRODUCT = {
    "library": "Python.NET",
    "holder": "object of a Python class derived from .NET, in an ArrayList",
    "requirements": (
        "pip:pythonnet==3.2.1",
        "pip:dotnetcore2==3.1.23",
    ),
    "megabytes": 82,
    "documented": "not found",
    "url": "https://pythonnet.github.io/pythonnet/python.html",
}

NAMESPACE = {"__namespace__": "Products"}  # what makes it a class of .NET, too

os.environ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1"
os.environ["DOTNET_ROOT"] = os.path.dirname(dotnetcore2.__file__) + "/bin"
pythonnet.load("coreclr")

import clr  # noqa: E402
import System  # noqa: E402

clr.AddReference("Python.Runtime")
from Python.Runtime import Finalizer  # noqa: E402

Class = type("Class", (System.Object,), NAMESPACE)


def make(cls):
    return cls()


def put(obj):
    holder = System.Collections.ArrayList()
    holder.Add(obj)
    return holder


def get(holder):
    return holder[0]


def collect():
    System.GC.Collect()
    System.GC.WaitForPendingFinalizers()
    Finalizer.Instance.Collect()  # of Python.NET, which queues the Python references of dead objects
