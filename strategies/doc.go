// Package strategies says what a strategy is: one policy for what happens to a
// Python wrapper that dies before the native object behind it.
//
// A strategy is a table of C functions (pp_strategy in
// internal/wrapper/wrapper.h) and a [Declaration] of what it guarantees. It
// announces itself with [Register]; everything else, from the Python classes
// to the report, derives from these two. CONTRIBUTING.md walks through writing
// one.
package strategies
