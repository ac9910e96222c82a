// Package intrusive gives wrapper and native object one reference count. Until the
// first wrap the native object has a count of its own; from then on every native
// reference is a Python reference to the wrapper, which lives as long as the native
// object and dies with it.
//
// # Who ships it
//
// nanobind, for classes with its intrusive counter; the idea is older, and came from
// programs whose object system was written for Python from the start.
//
// # What it keeps
//
// What toggleref keeps, and by less: there are no two counts to keep in step
// and no edge between them to watch. gc sees each holder's reference as what it is,
// so cycles through any number of holders are collected.
//
// # What it costs
//
// Retaining and releasing need the GIL, or rather Python's count does. nanobind takes
// the GIL for each. Here a goroutine writes what it changed into a word beside the
// object, and whoever has the GIL next works it in; a release on a goroutine is
// queued, as with the other strategies. The count cannot be told without asking
// Python: native code no longer detects that it releases too often.
//
// Wrappers of objects that native code keeps for long stay in memory, and in gc's
// lists, for as long. Native edges are Python references that gc cannot see: cycles
// through them leak.
package intrusive
