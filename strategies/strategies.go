package strategies

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"unsafe"
)

// Strategy is one policy for the life of wrappers.
type Strategy interface {
	// Declaration is what the strategy says about itself. It never changes.
	Declaration() Declaration

	// Table is the strategy's *pp_strategy: static C memory, one for the process,
	// whose name is the declaration's.
	Table() unsafe.Pointer
}

// Declaration is what a strategy says about itself. The correctness matrix
// checks it strictly both ways: a property that is declared to break and
// holds is a failure, like the opposite.
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

	// HoldsFrom gives, for each property in Breaks that a newer CPython fixes, the first
	// version in which it holds, as in "3.15". See [Declaration.On].
	HoldsFrom map[string]string `json:"-"`

	// NotApplicable gives, for each property that asks for something the
	// strategy does not have, the reason.
	NotApplicable map[string]string `json:"not_applicable"`

	// NeedsGIL says why a free-threaded CPython has to run with the GIL: without it the
	// strategy is refused with a RuntimeError. "" if it works without. The table says so, too.
	NeedsGIL string `json:"needs_gil"`

	// Identity and Weakref: whether a wrapper that died once and came back is the
	// same PyObject, and whether weak references to it stayed valid; over any number of
	// deaths, unless I3 breaks. The benchmarks report them, and check them.
	Identity bool `json:"identity"`
	Weakref  bool `json:"weakref"`
}

// On is d for one version of CPython, as in "3.15" or "3.13t": without HoldsFrom, and without
// what holds there in Breaks. It panics on anything else than a version.
func (d Declaration) On(python string) Declaration {
	breaks := maps.Clone(d.Breaks)
	for id, from := range d.HoldsFrom {
		if minor(python) >= minor(from) {
			delete(breaks, id)
		}
	}
	d.Breaks, d.HoldsFrom = breaks, nil
	return d
}

var validVersion = regexp.MustCompile(`^3\.([0-9]+)t?d?$`)

func minor(version string) int {
	m := validVersion.FindStringSubmatch(version)
	if m == nil {
		panic(fmt.Sprintf("strategies: %q is not a version of CPython", version))
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		panic(err)
	}
	return n
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
	for id, from := range d.HoldsFrom {
		minor(from)
		if _, breaks := d.Breaks[id]; !breaks {
			panic(fmt.Sprintf("strategies: %s declares that %s holds from %s on, and gives no reason why it broke before", d.Name, id, from))
		}
	}
	registered = append(registered, s)
	slices.SortStableFunc(registered, func(a, b Strategy) int {
		return cmp.Compare(a.Declaration().Order, b.Declaration().Order)
	})
}

// All returns the registered strategies in suite order.
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

// Reference is what strategies are measured against. It makes no promises and is not in the
// matrix: only Name, Idea, Identity and Weakref of its declaration are used.
type Reference struct {
	Strategy
	Lacks map[string]string // the operations of the benchmarks that it does not have: reason
}

var references []Reference

// RegisterReference announces a reference. Like [Register] it is called from an init function.
func RegisterReference(r Reference) {
	references = append(references, r)
	slices.SortFunc(references, func(a, b Reference) int {
		return -cmp.Compare(a.Declaration().Name, b.Declaration().Name) // floor, baseline
	})
}

// References returns the registered references, the floor first.
func References() []Reference { return slices.Clone(references) }

// Measured returns everything that the benchmarks measure: the references, then the strategies,
// which lack nothing.
func Measured() []Reference {
	all := References()
	for _, s := range registered {
		all = append(all, Reference{Strategy: s})
	}
	return all
}

// Static is a [Strategy] made of a declaration and a table, which is all that
// most strategies are.
type Static struct {
	Declared Declaration
	C        unsafe.Pointer // the *pp_strategy
}

// Declaration returns s.Declared.
func (s Static) Declaration() Declaration { return s.Declared }

// Table returns s.C.
func (s Static) Table() unsafe.Pointer { return s.C }
