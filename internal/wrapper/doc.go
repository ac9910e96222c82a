// Package wrapper is the scaffolding that all strategies share: the Python classes MyClass and
// MyClassRef, the module around them, and the connection between a strategy's C slots and its
// native.Library. A strategy's decisions are in one table, pp_strategy of wrapper.h; everything
// else is here.
//
//	header.h    the record that Go and C share
//	wrapper.h   the table, and what a strategy may call
//	classes.c   MyClass: creation, and the class
//	methods.c   its methods
//	holder.c    MyClassRef
//	callbacks.c Python functions that native objects hold
//	goroutines.c, goroutines.go
//	            what native code does on goroutines; attaching, forks, exit
//	module.c    spare native objects; the module's functions
//	methods.h   between these files
//	headers.go  headers in C memory, found again by handle
//	layout.go   what C and Go have to agree on, for the tests
//	exports.go  what C calls in Go
//	binding.go  what Go calls in C
//	collect.go  the build tag that collects at every accessor
//
// # Locks
//
// A header's count and flags and the queue (lifetime/queue.h) are atomic, and the Go objects
// guard themselves. The GIL guards everything else; without it, a header's slot has a lock
// (lt_lock), a MyClassRef has one, and counters and lists of spare objects are each thread's own (pp_local).
package wrapper
