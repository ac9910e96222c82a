"""PyTorch. The tensors are its own; native code of ours holds them as at::Tensor."""

import os
import sys

from . import Library, adopt, native
from .reasons import DEL_UNDER_LOCK, METACLASS, NO_GIL_LEFT, OWNED_UNSEEN, UNSEEN

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
    ("breaks", "S7", METACLASS),
    ("breaks", "G9 G9[two] G9[list] G14[callback]", UNSEEN),
    ("hung", "T3", DEL_UNDER_LOCK),
    ("breaks", "X3", NO_GIL_LEFT),
    ("breaks", "N1", "it cannot be imported a second time"),
    ("breaks", "C1", "a copy is another tensor that shares the memory, and the number is in there"),
]

LOST = "a zombie that a weak reference brings back loses its tensor when native code releases"

SUBJECTS = [
    Library(
        "torch",
        ships="toggleref",
        idea="a native reference beside the wrapper's own owns a Python reference to it",
        load=lambda: load("torch_tensor"),
        differs=[
            *EVERYWHERE,
            ("breaks", "G6 G6[self] G14", OWNED_UNSEEN),
        ],
    ),
    Library(
        "torch-1.13",
        ships="preserve",
        idea="ownership flips in tp_dealloc",
        load=load_debian,
        refuses={"or has lost its native object": LOST},
        differs=[
            *EVERYWHERE,
            ("breaks", "W3", LOST),
            ("crashed|breaks|holds", "T2", LOST + ", or its memory is freed twice"),
            ("crashed", "F3 F4", "a wrapper that __del__ brings back has lost its tensor"),
            ("crashed", "F10", "it aborts when __del__ has assigned another __class__"),
            ("crashed", "I9", "it aborts when an object is wrapped again while its wrapper dies"),
            ("breaks", "G4 G4[payload]", "gc clears what is on a wrapper that only a garbage cycle refers to"),
            ("breaks", "G6 G14", "gc does not see what a native reference owns"),
            ("crashed", "G11", "a chain of wrappers is freed by recursion, which overflows the stack"),
        ],
    ),
]
