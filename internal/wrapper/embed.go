package wrapper

import _ "embed"

// Packages that include these headers from other folders import this one and
// internal/cpython, so that Go compiles them anew when a header changes: it
// looks at a package's own folder only, and at what its imports contain.
// TestWhoeverIncludesAHeaderImportsItsPackage sees to it.
var (
	//go:embed header.h
	headerH string
	//go:embed wrapper.h
	wrapperH string
)

// HeaderSize is the size of the C headers, in bytes; it keeps the copies in.
func HeaderSize() int { return len(headerH) + len(wrapperH) }
