package main

// families of properties, by the letters that their ids begin with, in the order of the matrix.
var families = []struct{ ID, Name string }{
	{"I", "identity"}, {"S", "state"}, {"W", "weak references"}, {"F", "finalizers"},
	{"G", "garbage collection"}, {"T", "threads"}, {"FT", "free-threading"}, {"N", "other interpreters"},
	{"X", "exit, fork, signals"}, {"L", "leaks"}, {"D", "misuse"}, {"C", "copies"},
}

// requirement is something that a binding may need, in terms of what is recorded of each strategy: a
// strategy meets it if all properties in Holds hold and all in Breaks break, and, where GIL is set,
// if it does not declare that it needs the GIL.
type requirement struct {
	ID     string   `json:"id"` // in addresses
	Label  string   `json:"label"`
	Words  string   `json:"words"`
	Holds  []string `json:"holds,omitempty"`
	Breaks []string `json:"breaks,omitempty"`
	GIL    bool     `json:"gil,omitempty"`
}

// requirements of the chooser. Verdicts are never repeated here: they are the matrix's.
var requirements = []requirement{
	{ID: "identity", Label: "identity", Words: "the same PyObject comes back after any number of deaths", Holds: []string{"I2", "I3", "I7"}},
	{ID: "weakref", Label: "weak references", Words: "weak references stay valid while native code holds the object", Holds: []string{"W1", "W2", "W5"}},
	{ID: "slots", Label: "__slots__", Words: "values in __slots__ survive", Holds: []string{"S3"}},
	{ID: "cycles", Label: "cycles", Words: "cycles through Python and through native edges are collected", Holds: []string{"G2", "G3", "G6", "G6[self]", "G8", "G9"}},
	{ID: "nogil", Label: "no GIL", Words: "works on a free-threaded CPython with the GIL off", GIL: true},
	{ID: "offthread", Label: "releases off-thread", Words: "threads that are not attached to Python release references", Holds: []string{"F7", "T2", "T3", "T5"}},
	{ID: "prompt", Label: "prompt death", Words: "everything dies when its last reference goes", Holds: []string{"F11"}},
	{ID: "uncounted", Label: "no count in the host language", Words: "native code does not count references; its garbage collector decides, so death is not prompt", Breaks: []string{"F11"}},
}
