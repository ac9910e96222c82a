"""A tensor that a weak reference brought back loses its native object when native code releases it.

It warns, and names a private method to call; nothing was found in the documentation. Later versions are right.
"""

import sys
import weakref

import torch

x = torch.zeros(3, requires_grad=True)
gradient = torch.ones(3)
x.grad = gradient
weak = weakref.ref(gradient)
del gradient  # x.grad holds the tensor, and with it the wrapper
gradient = weak()
x.grad = None
try:
    sys.exit(0 if gradient.sum().item() == 3 else 10)
except (RuntimeError, TypeError, ValueError):
    sys.exit(10)
