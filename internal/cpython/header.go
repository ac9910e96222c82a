package cpython

import _ "embed"

// Go's build cache looks at the C files of a package's own folder only. Packages
// that include python.h from theirs import this package, whose contents change
// with the header because it carries a copy: so they are compiled anew, too.
//
//go:embed python.h
var header string

// HeaderSize is the size of python.h, in bytes; it keeps the copy in.
func HeaderSize() int { return len(header) }
