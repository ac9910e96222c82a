// Package catalog lists the operations that the benchmarks time, in the order of the report, and
// says of each group in one sentence what its results mean. The Go benchmarks, the Python cases and
// the report have the same names: a test compares them.
package catalog

// Group is some operations that are explained together.
type Group struct {
	ID         string // in addresses
	Title      string
	Analysis   string // one sentence: the cause of what the results show; no figure of a run
	Operations []Operation
}

// Operation is a benchmark, without its keys.
type Operation struct {
	Name  string // "WrapDead" of BenchmarkWrapDead
	Words string // what is timed
}

// Groups in the order of the report.
var Groups = []Group{
	{
		ID: "create", Title: "Creating an object",
		Analysis: "Most of the time is Go's work for a native object, which every strategy does; the floor has a C record instead, " +
			"and what a strategy adds when an object is born is small beside both.",
		Operations: []Operation{
			{"Create", "create an object and drop it"},
		},
	},
	{
		ID: "wrap", Title: "Handing an object to Python",
		Analysis: "A strategy that keeps the wrapper returns it with an increment, dead or alive; one that does not has to make a new wrapper " +
			"each time, and pays for the search for the old one or for a call into Go as well.",
		Operations: []Operation{
			{"WrapLive", "wrap while a wrapper is alive"},
			{"WrapDead", "wrap after the wrapper died"},
			{"WrapFirst", "the first wrap of a native object"},
		},
	},
	{
		ID: "references", Title: "Native references",
		Analysis: "With the GIL, and while there is a wrapper, a native count is changed without an atomic instruction, as the floor's is; " +
			"a strategy that does not know whether there is one needs the instruction; " +
			"on a goroutine every strategy queues the release and returns, while the floor waits for the GIL.",
		Operations: []Operation{
			{"Unwrap", "a native reference from a wrapper, and its release"},
			{"RetainRelease", "one more native reference, and its release"},
			{"ReleaseZombie", "the last native reference of an object whose wrapper is dead"},
			{"OffThread", "references released by a goroutine"},
		},
	},
	{
		ID: "calls", Title: "Calls, both ways",
		Analysis: "A method finds its native object through the wrapper's own memory, so strategies differ only where a handle is looked up first; " +
			"in the other direction the floor calls Python from C, and all others from Go.",
		Operations: []Operation{
			{"Call", "a method that reads C-visible state"},
			{"CallGo", "a method whose body is in Go"},
			{"Callbacks", "native code calls a Python override"},
		},
	},
	{
		ID: "attributes", Title: "Attributes on objects that native code holds",
		Analysis: "Where the wrapper is kept its attributes need no work of their own; where it is not they are moved to the native object and back, " +
			"or they are lost, and then the strategy has done less than the others.",
		Operations: []Operation{
			{"Hold", "create, set an attribute, have native code hold it, drop the wrapper"},
			{"Tree", "visit 1,000 native nodes, set an attribute on each, read it on a second visit"},
		},
	},
	{
		ID: "weakref", Title: "Weak references",
		Analysis: "The call of a weak reference is CPython's own code and costs the same with every strategy; " +
			"what differs is the answer, which is None after the wrapper's death unless the wrapper is kept.",
		Operations: []Operation{
			{"Weakref", "call a weak reference"},
		},
	},
	{
		ID: "memory", Title: "Garbage collection and memory",
		Analysis: "A wrapper that is kept takes memory, and every full collection traverses it, but for one that preserve has untracked; " +
			"a strategy that lets dead wrappers go pays less of both, unless it keeps their dicts.",
		Operations: []Operation{
			{"GC", "a full collection with natively held objects whose wrappers are dead"},
			{"Memory", "bytes for one such object"},
		},
	},
	{
		ID: "threads", Title: "Several threads",
		Analysis: "Threads that wrap at the same time mostly wait for the GIL, so the more of them there are " +
			"the less the strategies differ.",
		Operations: []Operation{
			{"Threads", "wrap after the wrapper died, from threads that contend"},
		},
	},
}
