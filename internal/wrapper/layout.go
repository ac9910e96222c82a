package wrapper

/*
#include "header.h"
#include <stddef.h>

#define FIELD(name) offsetof(pp_header, name), sizeof(((pp_header *)0)->name)

enum { FIELDS = 4 };

static size_t
pp_header_layout(int i)
{
	static const size_t layout[2 * FIELDS + 1] = {
		FIELD(refs), FIELD(id), FIELD(flags), FIELD(attached_refs),
		sizeof(pp_header),
	};
	return layout[i];
}
*/
import "C"

// headerBits are C's copies of native's bits.
func headerBits() map[string]int64 {
	return map[string]int64{
		"HasWrapper": C.PP_HAS_WRAPPER, "CountedElsewhere": C.PP_COUNTED_ELSEWHERE,
		"HasBody": C.PP_HAS_BODY,
	}
}

// slabLayout is how many headers C takes a slab for, its size and its alignment.
func slabLayout() (headers, size, alignment int) {
	return C.PP_SLAB_HEADERS, C.sizeof_pp_slab, C.PP_SLAB_ALIGNMENT
}

// headerLayout is the C header as the compiler laid it out: offset and size of
// each field in order, then the size of the whole. It is here for
// TestHeaderLayout, because tests cannot import C.
func headerLayout() []uintptr {
	layout := make([]uintptr, 2*C.FIELDS+1)
	for i := range layout {
		layout[i] = uintptr(C.pp_header_layout(C.int(i)))
	}
	return layout
}
