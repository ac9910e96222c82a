/* The functions of toggleref, for strategies that build on it. */
#ifndef PP_TOGGLEREF_H
#define PP_TOGGLEREF_H

#include "../internal/wrapper/wrapper.h"

PyObject *pp_toggleref_wrap(pp_side *, pp_header *);
void pp_toggleref_adopt(pp_side *, PyObject *wrapper, pp_header *);
void pp_toggleref_first(pp_side *, pp_header *);
void pp_toggleref_last(pp_side *, pp_header *);
void pp_toggleref_holder_made(pp_side *, pp_header *);
void pp_toggleref_holder_gone(pp_side *, pp_header *);
int pp_toggleref_visit(pp_side *, PyObject *holder, pp_header *, visitproc, void *);
void pp_toggleref_drop(pp_side *, PyObject *wrapper);

#endif
