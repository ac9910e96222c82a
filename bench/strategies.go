package bench

// The list of strategies. One line here puts a strategy into the Go
// benchmarks, the Python package, the matrix and the report.
import (
	_ "pyobject-preservation/bench/baseline"
	_ "pyobject-preservation/bench/floor"
	_ "pyobject-preservation/finalizer"
	_ "pyobject-preservation/gcowned"
	_ "pyobject-preservation/ghost"
	_ "pyobject-preservation/handletable"
	_ "pyobject-preservation/instancemap"
	_ "pyobject-preservation/intrusive"
	_ "pyobject-preservation/mirrored"
	_ "pyobject-preservation/naive"
	_ "pyobject-preservation/nativedict"
	_ "pyobject-preservation/preserve"
	_ "pyobject-preservation/toggleref"
)
