/* Between the files that make the Python classes. */
#ifndef PP_METHODS_H
#define PP_METHODS_H

#include "wrapper.h"

/* The common methods of MyClass and the strategy's own, one array that lives
 * as long as the process. NULL with MemoryError. */
PyMethodDef *pp_wrapper_methods(pp_side *);

/* MyClass.__init_subclass__, a class method. */
PyObject *pp_wrapper_init_subclass(PyObject *cls, PyObject *args, PyObject *kwargs);

/* Set the message of a native object from a str or None (leave it). 0, or -1
 * with TypeError. */
int pp_set_message(pp_header *h, PyObject *message);

#endif
