// Package ghost keeps the class and the dict of a dead wrapper with its native
// object, and builds a new wrapper around them on the next wrap. Wrappers of the
// plain class that carry nothing leave no ghost.
//
// # Shipped by
//
// VTK (vtkPythonUtil's ghost map). VTK sweeps its map of ghosts whenever it adds
// one, so that N ghosts cost N² steps; here a ghost belongs to its native object
// and is destroyed when native code releases that.
//
// # What it keeps
//
// While the wrapper lives, identity is kept. Across its death the subclass, a reassigned
// __class__ and the same __dict__ are kept. A cycle through the dict and
// a MyClassRef is collected, because the holder shows the ghost's dict to gc.
//
// # What it breaks
//
// The PyObject is another one, so weak references die, and an id() from before the death does
// not match the new wrapper. __slots__ belong to the wrapper and die
// with it. __del__ runs at each death. And a wrapper that dies by gc rather than by
// counting leaves an empty ghost: gc breaks a cycle by clearing the dict.
package ghost
