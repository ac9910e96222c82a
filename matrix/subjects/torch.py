"""PyTorch. The tensors are its own; native code of ours holds them as at::Tensor."""

import os
import sys

from . import Library, adopt, native

DEBIAN = "/usr/lib/python3/dist-packages"


def load(name):
    import torch

    module = native(name)

    class MyClass(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

        def __new__(cls, *args, **kwargs):
            return module.new(cls)

        def __init__(self, message=""):
            module.set_message(self, message)

    # Of torch.Tensor, because that is what a tensor born in native code is.
    return adopt(module, MyClass, torch.Tensor)


def load_debian():
    if not os.path.isdir(os.path.join(DEBIAN, "torch")):
        raise ImportError("on Debian 12, for the system's python3: apt-get install python3-torch libtorch-dev")
    sys.path.insert(0, DEBIAN)  # before the environment's newer one
    return load("torch_tensor_of_debian")


EVERYWHERE = [
    ("breaks", "I8", "== compares what is in the tensors"),
    ("breaks", "S7", "its classes have a metaclass of their own, which ABCMeta and Protocol do not get along with"),
    ("breaks", "C1", "a copy is another tensor that shares the memory, and the number is in there"),
]

SUBJECTS = [
    Library(
        "torch",
        ships="toggleref",
        idea="a native reference beside the wrapper's own owns a Python reference to it",
        load=lambda: load("torch_tensor"),
        differs=[
            *EVERYWHERE,
            ("breaks", "G6 G6[self]", "gc does not see the Python reference that a native reference owns"),
        ],
    ),
    Library(
        "torch-1.13",
        ships="preserve",
        idea="ownership flips in tp_dealloc",
        load=load_debian,
        differs=EVERYWHERE,
    ),
]
