package native

// Lock locks what guards o, as a thread has done that does not exist in the child of a fork.
func Lock(o *Object) { o.lock() }
