// Package mirrored shows Python's garbage collector the native edges between wrapped
// objects, as Python references from wrapper to wrapper. It is toggleref, and gc also sees
// the edges that Python code made.
//
// # Shipped by
//
// TensorStore, whose native objects refer to each other weakly and whose wrappers
// hold what keeps them alive. Here the native edges count as well, so that native
// code is right without Python.
//
// # What it keeps
//
// Everything that toggleref keeps. And cycles through native edges are collected, in
// every shape: an object that is its own child, two that are each other's, a ring
// that closes through an attribute or a MyClassRef.
//
// # What it costs
//
// A list beside each object with edges, one more Python reference an edge, and gc
// traverses the native graph, which takes time. Everything else is as in toggleref.
//
// # Limits
//
// gc sees the edges that Python code made. One that a goroutine made is an invisible native
// reference like any other: it keeps its child, and a cycle through it leaks. A goroutine may
// remove any edge; the mirror follows with the next drain.
//
// While gc runs, a goroutine that holds a parent may take a reference to its child, and then
// release the parent. gc would find the child unreachable. So goroutines hand over every release
// of an object that has a wrapper ([native.Hooks]), not only the last.
package mirrored
