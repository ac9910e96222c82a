package main

import (
	"fmt"
	"strings"
)

// unquotable is why no other document may show the figures of a run; "" if it may.
func (r *run) unquotable() string {
	m := r.Machine
	switch {
	case m.Quick:
		return "it is a quick run"
	case m.Dirty:
		return "it has uncommitted changes"
	case m.Commit == "" || m.Commit == "unknown":
		return "its commit is unknown"
	case m.Narrowed != "":
		return "it was narrowed to " + m.Narrowed
	case r.Matrix == nil:
		return "it has no correctness matrix"
	}
	if left := r.leftOut(); len(left) > 0 {
		return "it does not have all figures of " + strings.Join(left, ", ")
	}
	// What a library does may depend on the time that it takes; the table of libraries says which did.
	if undeclared := r.Matrix.undeclared("strategy"); len(undeclared) > 0 {
		o := undeclared[0]
		return fmt.Sprintf("%d outcomes of the matrix are not as declared, the first is %s of %s", len(undeclared), o.Property, o.Subject)
	}
	return ""
}

// leftOut are the subjects that were not asked, or not measured from Python.
func (r *run) leftOut() (names []string) {
	for _, s := range r.Matrix.Subjects {
		measured := false
		for c := range r.Samples {
			measured = measured || c.strategy == s.Name && c.unit == seconds && strings.HasPrefix(c.lang, "py")
		}
		if !measured || !r.Matrix.measured(s.Name) {
			names = append(names, s.Name)
		}
	}
	return names
}
