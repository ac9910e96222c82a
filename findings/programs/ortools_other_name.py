"""A variable that outlives its pywraplp.Solver reads the memory of another solver's, without an error.

Nothing about it was found in the documentation.
"""

import sys

from ortools.linear_solver import pywraplp

NAME = "a name that is too long for the string itself to hold"
solver = pywraplp.Solver.CreateSolver("GLOP")
variable = solver.NumVar(0, 1, NAME)
del solver
others = [pywraplp.Solver.CreateSolver("GLOP") for _ in range(50)]
kept = [other.NumVar(0, 9, NAME.upper()) for other in others]
sys.exit(0 if variable.ub() == 1 and variable.name() == NAME else 10)
