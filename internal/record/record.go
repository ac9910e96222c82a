// Package record has the form of machine.json, which says where a run under results/ was made, and
// of what.
package record

// A Machine is the contents of machine.json.
type Machine struct {
	Label        string `json:"label"` // the run's name, whatever its folder is called for now
	Date         string `json:"date"`  // RFC 3339
	CPU          string `json:"cpu"`
	Cores        int    `json:"cores"`
	Kernel       string `json:"kernel"`
	Go           string `json:"go"`
	Python       string `json:"python"`        // sys.version
	PythonConfig string `json:"python_config"` // what CPython's configure was called with
	Compiler     string `json:"compiler"`
	Commit       string `json:"commit"`
	Dirty        bool   `json:"dirty"` // the checkout had changes that were not committed
	Quick        bool   `json:"quick"`
	Peers        bool   `json:"peers"`    // recorded by make peers
	Narrowed     string `json:"narrowed"` // to these strategies or libraries; "" if not
	Valgrind     string `json:"valgrind"`
}
