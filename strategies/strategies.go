package strategies

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"unsafe"
)

// Strategy is one policy for the life of wrappers.
type Strategy interface {
	// Declaration is what the strategy says about itself. It never changes.
	Declaration() Declaration

	// Table is the strategy's *pp_side: static C memory, one for the process,
	// whose name is the declaration's.
	Table() unsafe.Pointer
}

// Declaration is what a strategy says about itself. The correctness matrix
// takes it at its word, both ways: a property that is declared to break and
// holds is as much a failure as the opposite.
type Declaration struct {
	// Name is the strategy's folder, Python module and benchmark key: lower
	// case letters and digits.
	Name string `json:"name"`

	// Order is the place in the suite, lowest first. Our own strategies use
	// multiples of ten below 1000.
	Order int `json:"order"`

	// Idea is the policy in one line.
	Idea string `json:"idea"`

	// ShippedBy names libraries that work this way.
	ShippedBy []string `json:"shipped_by"`

	// Breaks gives, for each property of the matrix that does not hold, the
	// reason. What is neither here nor in NotApplicable holds.
	Breaks map[string]string `json:"breaks"`

	// NotApplicable gives, for each property that asks for something the
	// strategy does not have, the reason.
	NotApplicable map[string]string `json:"not_applicable"`

	// Identity and Weakref: whether a wrapper that died once and came back is the
	// same PyObject, and whether weak references to it stayed valid; over any number of
	// deaths, unless I3 breaks. The benchmarks report them, and check them.
	Identity bool `json:"identity"`
	Weakref  bool `json:"weakref"`

	// Floor marks the one entry that does no lifetime work: what the others
	// are compared with. It is no strategy, and has no matrix.
	Floor bool `json:"floor"`
}

var (
	registered []Strategy
	validName  = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
)

// Register announces a strategy. It is called from the init function of the
// strategy's package, and panics on a name that is malformed or taken.
func Register(s Strategy) {
	d := s.Declaration()
	if !validName.MatchString(d.Name) {
		panic(fmt.Sprintf("strategies: name %q is not lower case letters and digits", d.Name))
	}
	if _, ok := Lookup(d.Name); ok {
		panic(fmt.Sprintf("strategies: %q is registered twice", d.Name))
	}
	for id := range d.Breaks {
		if _, both := d.NotApplicable[id]; both {
			panic(fmt.Sprintf("strategies: %s declares %s both as broken and as not applicable", d.Name, id))
		}
	}
	registered = append(registered, s)
	slices.SortStableFunc(registered, func(a, b Strategy) int {
		return cmp.Compare(a.Declaration().Order, b.Declaration().Order)
	})
}

// All returns the registered strategies in suite order, the floor included.
func All() []Strategy { return slices.Clone(registered) }

// Lookup finds a strategy by name.
func Lookup(name string) (Strategy, bool) {
	for _, s := range registered {
		if s.Declaration().Name == name {
			return s, true
		}
	}
	return nil, false
}

// Static is a [Strategy] made of a declaration and a table, which is all that
// most strategies are.
type Static struct {
	Declared Declaration
	Side     unsafe.Pointer // the *pp_side
}

// Declaration returns s.Declared and what breaks for every strategy.
func (s Static) Declaration() Declaration {
	d := s.Declared
	if !d.Floor {
		d.Breaks = maps.Clone(withGIL)
		maps.Copy(d.Breaks, s.Declared.Breaks)
	}
	return d
}

// Table returns s.Side.
func (s Static) Table() unsafe.Pointer { return s.Side }
