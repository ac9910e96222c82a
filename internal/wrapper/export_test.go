package wrapper

var (
	HeaderLayout = headerLayout
	HeaderBits   = headerBits
	SlabHeaders  = slabHeaders
)
