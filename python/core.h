/* What the C files of the extension module share. */
#ifndef PP_CORE_H
#define PP_CORE_H

#include "../internal/cpython/python.h"

/* fork.c: the functions that __init__.py gives to os.register_at_fork. */
int core_fork_init(void);
PyObject *core_before_fork(PyObject *module, PyObject *unused);
PyObject *core_after_fork(PyObject *module, PyObject *unused);

#endif
