package cpython

import _ "embed"

// Go's build cache looks at the C files of a package's own folder only. Packages
// that include python.h from elsewhere import this package. It embeds the
// header, so a change of the header recompiles it and them.
//
//go:embed python.h
var header string

// HeaderSize is the size of python.h, in bytes; it keeps the copy in.
func HeaderSize() int { return len(header) }
