package wrapper

/*
#include <stddef.h>
#include "header.h"

#define FIELD(name) offsetof(pp_header, name), sizeof(((pp_header *)0)->name)

enum { FIELDS = 9 };

static size_t
pp_header_layout(int i)
{
	static const size_t layout[2 * FIELDS + 1] = {
		FIELD(refs), FIELD(id), FIELD(wrapper), FIELD(state),
		FIELD(holders), FIELD(handle), FIELD(next), FIELD(extra), FIELD(flags),
		sizeof(pp_header),
	};
	return layout[i];
}
*/
import "C"

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
