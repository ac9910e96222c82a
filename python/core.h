/* What the C files of the extension module share. */
#ifndef PP_CORE_H
#define PP_CORE_H

#include "../internal/cpython/python.h"

/* fork.c: for os.register_at_fork. They may be registered more than once. */
PyObject *core_before_fork(PyObject *self, PyObject *unused);
PyObject *core_after_fork(PyObject *self, PyObject *unused);

/* signals.c: restore the handlers that SIGURG and SIGPIPE had before this library was
 * loaded. Calls after the first do nothing. */
void core_restore_signals(void);

#endif
