/* The slots of preserve, for strategies that build on it. */
#ifndef PP_PRESERVE_H
#define PP_PRESERVE_H

#include "../internal/wrapper/wrapper.h"

PyObject *pp_preserve_wrap(pp_side *, pp_header *);
void pp_preserve_adopt(pp_side *, PyObject *wrapper, pp_header *);
void pp_preserve_last(pp_side *, pp_header *);
int pp_preserve_visit(pp_side *, PyObject *holder, pp_header *, visitproc, void *);
void pp_preserve_dealloc(PyObject *);
int pp_preserve_traverse(PyObject *, visitproc, void *);
int pp_preserve_clear(PyObject *);

#endif
