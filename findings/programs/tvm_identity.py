"""An object that a TVM-FFI Array holds comes out of it as another Python object, though its header promises the same.

The code for it is in the release and switched off.
"""

import sys

import tvm_ffi
from tvm_ffi.dataclasses import py_class


@py_class("findings.Node")
class Node(tvm_ffi.Object):
    value: int


node = Node(7)
array = tvm_ffi.Array([node])
sys.exit(10 if array[0] is not node and array[0].same_as(node) else 0)
