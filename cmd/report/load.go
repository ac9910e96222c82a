package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchproc"

	"pyobject-preservation/internal/record"
)

// floor is the name of the entry that the others are compared with.
const floor = "floor"

// baseline is the suite's scaffolding with no lifetime policy. Like the floor it is not in the
// matrix.
const baseline = "baseline"

// run is one recorded run.
type run struct {
	Label, Dir string
	Machine    record.Machine
	Matrix     *matrix // nil if it was not recorded

	Langs      []string          // in the order of the file
	Strategies []string          // in suite order, the floor first
	Rows       map[string][]row  // by language, in suite order
	Samples    map[cell]*samples // everything measured
	Absent     map[cell]string   // why something was not, without a unit
	Uncounted  map[cell]string   // why instructions were not counted, without a unit; cell{lang: l} for all
	Promises   map[cell]float64  // promised ratios of instructions to the floor
	Config     map[string]map[string]string
	Units      benchfmt.UnitMetadataMap
}

// row is one line of a table: an operation with its keys, in one unit.
type row struct{ name, unit string }

type cell struct {
	lang string
	row
	strategy string
}

// samples are a cell's values, in the order they were measured: the i-th of two
// strategies come from the same round.
type samples struct{ values []float64 }

// matrix is what the correctness matrix wrote (matrix.json).
type matrix struct {
	Python     string     `json:"python"`
	Subjects   []subject  `json:"subjects"`
	Skipped    []skipped  `json:"skipped"`
	Properties []property `json:"properties"`
	Outcomes   []outcome  `json:"outcomes"`
}

type subject struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Idea      string   `json:"idea"`
	ShippedBy []string `json:"shipped_by"`
	Ships     string   `json:"ships"` // of a library: our strategy
	Note      string   `json:"note"`

	// Of a strategy, in runs that have recorded it: why it needs the GIL, "" if it does not; and for
	// each property that it declares to break and this interpreter cannot show, the reason.
	NeedsGIL  *string           `json:"needs_gil"`
	Elsewhere map[string]string `json:"elsewhere"`
}

// skipped is a library that could not be installed.
type skipped struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

type property struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Promise string `json:"promise"`
}

type outcome struct {
	Subject  string `json:"subject"`
	Property string `json:"property"`
	Outcome  string `json:"outcome"`
	Expected string `json:"expected"`
	Reason   string `json:"reason"`
}

// newest finds the run with the latest date, of make peers or of make bench.
func newest(results string, peers bool) (label string, err error) {
	entries, err := os.ReadDir(results)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var latest string
	for _, e := range entries {
		var m record.Machine
		if e.Name()[0] == '.' || readJSON(filepath.Join(results, e.Name(), "machine.json"), &m) != nil || m.Peers != peers {
			continue
		}
		if label == "" || m.Date > latest {
			label, latest = e.Name(), m.Date
		}
	}
	if label == "" {
		how := "make bench"
		if peers {
			how = "make peers"
		}
		return "", fmt.Errorf("no recorded run in %s; %s records one", results, how)
	}
	return label, nil
}

func load(dir string) (*run, error) {
	r := &run{
		Label: filepath.Base(dir), Dir: dir,
		Rows:    map[string][]row{},
		Samples: map[cell]*samples{},
		Absent:  map[cell]string{}, Uncounted: map[cell]string{}, Promises: map[cell]float64{},
		Config: map[string]map[string]string{},
	}
	if err := readJSON(filepath.Join(dir, "machine.json"), &r.Machine); err != nil {
		return nil, fmt.Errorf("%s is not a recorded run: %w", dir, err)
	}
	if r.Machine.Label != "" {
		r.Label = r.Machine.Label
	}
	text, err := os.ReadFile(filepath.Join(dir, "bench.txt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := r.readBenchmarks(text); err != nil {
		return nil, err
	}
	if err := r.readStatements(text); err != nil {
		return nil, err
	}
	var m matrix
	switch err := readJSON(filepath.Join(dir, "matrix.json"), &m); {
	case err == nil:
		r.Matrix = &m
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	r.orderStrategies()
	return r, nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (r *run) readBenchmarks(text []byte) error {
	var parser benchproc.ProjectionParser
	parse := func(what string) *benchproc.Projection {
		p, err := parser.Parse(what, nil)
		if err != nil {
			panic(err) // constants below
		}
		return p
	}
	byLang, byStrategy := parse("lang"), parse("/strategy")
	parse("/gomaxprocs") // leaves it out of the name
	byName := parse(".fullname")

	reader := benchfmt.NewReader(bytes.NewReader(text), filepath.Join(r.Dir, "bench.txt"))
	for reader.Scan() {
		switch record := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			return record
		case *benchfmt.Result:
			lang := byLang.Project(record).StringValues()
			strategy := byStrategy.Project(record).StringValues()
			name := byName.Project(record).StringValues()
			r.configure(lang, record)
			for _, v := range record.Values {
				r.add(cell{lang, row{name, v.Unit}, strategy}, v.Value)
			}
		}
	}
	r.Units = reader.Units()
	return reader.Err()
}

func (r *run) configure(lang string, result *benchfmt.Result) {
	if r.Config[lang] != nil {
		return
	}
	r.Langs = append(r.Langs, lang)
	r.Config[lang] = map[string]string{}
	for _, c := range result.Config {
		r.Config[lang][c.Key] = string(c.Value)
	}
}

func (r *run) add(c cell, value float64) {
	if !slices.Contains(r.Strategies, c.strategy) {
		r.Strategies = append(r.Strategies, c.strategy)
	}
	if !slices.Contains(r.Rows[c.lang], c.row) {
		r.Rows[c.lang] = append(r.Rows[c.lang], c.row)
	}
	s := r.Samples[c]
	if s == nil {
		s = new(samples)
		r.Samples[c] = s
	}
	s.values = append(s.values, value)
}

var statement = regexp.MustCompile(`(?m)^(Absent|Uncounted|Promise) (\S+?)(?: Benchmark([^/\s]+)/strategy=([^/\s:]+)(/[^\s:]+)?)?: (.+)$`)

// readStatements reads the lines that say why an operation does not exist for a strategy, why its
// instructions were not counted, or what is promised of it; to benchstat they are nothing.
func (r *run) readStatements(text []byte) error {
	for _, m := range statement.FindAllSubmatch(text, -1) {
		c := cell{string(m[2]), row{name: string(m[3]) + string(m[5])}, string(m[4])}
		switch what := string(m[6]); string(m[1]) {
		case "Absent":
			r.Absent[c] = what
		case "Uncounted":
			r.Uncounted[c] = what
		case "Promise":
			ratio, err := strconv.ParseFloat(what, 64)
			if err != nil {
				return fmt.Errorf("%s: %w", m[0], err)
			}
			c.unit = instructions
			r.Promises[c] = ratio
		}
	}
	return nil
}

// orderStrategies puts floor and baseline first and takes the rest as the matrix lists
// them, which is suite order; benchmarks may meet them in another.
func (r *run) orderStrategies() {
	place := map[string]int{floor: -2, baseline: -1}
	if r.Matrix != nil {
		for i, s := range r.Matrix.Subjects {
			place[s.Name] = i
		}
	}
	at := func(name string) int {
		if i, ok := place[name]; ok {
			return i
		}
		return len(place)
	}
	slices.SortStableFunc(r.Strategies, func(a, b string) int { return at(a) - at(b) })
}

// exact reports whether a unit is a statement, such as "identity", rather than a
// measurement.
func (r *run) exact(unit string) bool {
	return r.Units.GetAssumption(unit) == benchmath.AssumeExact
}
