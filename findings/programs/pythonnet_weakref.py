"""A weak reference to a Python object derived from a .NET class says that it is dead, and later that it is alive.

.NET holds it, and handing it out revives it. Nothing about it was found in the documentation of Python.NET.
"""

import os
import sys
import weakref

import dotnetcore2
import pythonnet

os.environ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1"
os.environ["DOTNET_ROOT"] = os.path.dirname(dotnetcore2.__file__) + "/bin"
pythonnet.load("coreclr")
import System  # noqa: E402

Node = type("Node", (System.Object,), {"__namespace__": "Demo"})
node, held = Node(), System.Collections.ArrayList()
held.Add(node)
weak = weakref.ref(node)
del node
dead, node = weak() is None, held[0]
sys.exit(10 if dead and weak() is node else 0)
