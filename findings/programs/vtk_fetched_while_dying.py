"""A weak reference's callback that fetches the object from its holder gets the wrapper that is being freed.

Later it is another object. Nothing about it was found in the documentation.
"""

import os
import weakref

from vtkmodules.vtkCommonCore import vtkCollection, vtkObject

fetched, holder = [], vtkCollection()
node = vtkObject()
holder.AddItem(node)
weak = weakref.ref(node, lambda weak: fetched.append(holder.GetItemAsObject(0)))
del node
others = [vtkObject() for _ in range(100)]
os._exit(10 if any(other is fetched[0] for other in others) else 0)  # freeing it twice may crash
