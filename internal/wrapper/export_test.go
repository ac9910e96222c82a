package wrapper

import "pyobject-preservation/native"

var (
	HeaderLayout = headerLayout
	HeaderBits   = headerBits
	SlabHeaders  = slabHeaders
	Counts       = objects.Counts
)

// LeastSlabs is leastSlabs as a Go constant.
const LeastSlabs = leastSlabs

// Handle is the object's handle.
func Handle(o *native.Object) uint64 { return o.Header().Handle }

// SetGeneration gives the object's slot another generation, and returns its new handle.
func SetGeneration(o *native.Object, gen uint32) uint64 {
	h := o.Header()
	h.Handle = objects.SetGeneration(h.Handle, gen)
	return h.Handle
}
