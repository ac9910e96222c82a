"""A chain of 20,000 VTK collections, each the only item of the next, crashes when it is freed.

Nothing about it was found in the documentation: C++ frees it by recursion, which overflows the stack.
"""

from vtkmodules.vtkCommonCore import vtkCollection

chain = vtkCollection()
for _ in range(20_000):
    outer = vtkCollection()
    outer.AddItem(chain)
    chain = outer
print("made")
del outer, chain
print("freed")
