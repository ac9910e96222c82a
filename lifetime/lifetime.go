// Package lifetime is the kit: CPython's lifetime rules, as header-only C.
//
//	slot.h      what a native object keeps for its wrapper
//	lifetime.h  resurrection, classes, contents, death
//	queue.h     references that unattached threads hand over, and the thread that releases them
//	tests/      the kit's own tests, in C, without Go
//	models/     the protocols as models for Spin
//
// The headers need CPython 3.10 or later and nothing else: a scheme's header includes them,
// and an extension includes the scheme's header. takehome/ has complete extensions. This Go
// package embeds them, so that Go recompiles the packages that include them when they change
// (internal/wrapper/embed.go).
package lifetime

import "embed"

// Headers are the kit's files.
//
//go:embed *.h
var Headers embed.FS
