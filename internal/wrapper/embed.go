package wrapper

import (
	_ "embed"

	_ "pyobject-preservation/lifetime" // its headers
)

// Packages that include these headers from other folders import this one, internal/cpython
// and lifetime: Go recompiles a package when an import changes, but not when a header in
// another folder does. TestPackagesImportTheHeadersTheyInclude enforces it.
var (
	//go:embed header.h
	headerH string
	//go:embed wrapper.h
	wrapperH string
)

// HeaderSize is the size of the C headers, in bytes; it keeps the copies in.
func HeaderSize() int { return len(headerH) + len(wrapperH) }
