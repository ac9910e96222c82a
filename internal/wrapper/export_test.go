package wrapper

import "pyobject-preservation/native"

var (
	HeaderLayout = headerLayout
	HeaderBits   = headerBits
	SlabLayout   = slabLayout
	Counts       = objects.Counts
)

// LeastSlabs is leastSlabs as a Go constant.
const LeastSlabs = leastSlabs

// Handle is the object's handle.
func Handle(o *native.Object) uint64 { return handleOf(o.Header()) }

// SetGeneration gives the object's slot another generation, and returns its new handle.
func SetGeneration(o *native.Object, gen uint32) uint64 {
	return objects.SetGeneration(Handle(o), gen)
}
