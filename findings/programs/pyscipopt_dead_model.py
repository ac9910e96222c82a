"""A variable crashes when it is used after its model has died.

Nothing about it was found in the documentation.
"""

from pyscipopt import Model

model = Model()
variable = model.addVar("a")
del model
print(variable.name, variable.getObj())
