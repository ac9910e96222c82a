// Package intrusive gives wrapper and native object one reference count. Until the
// first wrap the native object has a count of its own; from then on every native
// reference is a Python reference to the wrapper, which lives as long as the native
// object and dies with it.
//
// # Shipped by
//
// nanobind, for classes with its intrusive counter.
//
// # What it keeps
//
// It keeps what toggleref keeps, and there is one count instead of two. gc sees each holder's
// reference as what it is, so cycles through any number of holders are collected.
//
// # What it costs
//
// Python's count can be changed only by an attached thread; nanobind attaches for each change.
// Here a goroutine adds what it retains to a delta in the object's count word, and hands what it
// releases over to a queue; the next drain brings Python's count up to date.
// Native code can no longer detect that it releases too often.
//
// Wrappers of objects that native code keeps for long stay in memory, and in gc's
// lists, for as long. Native edges are Python references that gc cannot see: cycles
// through them leak.
package intrusive
