"""The properties: the tests of the matrix, by family."""
