/* The floor's object, for the loops that time it from outside. */
#ifndef PP_FLOOR_H
#define PP_FLOOR_H

#include "../internal/wrapper/wrapper.h"

typedef struct {
    PyObject_HEAD
    pp_header *record; /* one cache line from malloc, like a native object's header */
    PyObject *dict;
    PyObject *weakrefs;
} pp_floor_object;

#endif
