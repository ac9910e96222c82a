package main

import (
	"regexp"
	"slices"
)

// pageData is what the page's script works with: the matrix and the chooser. Verdicts and reasons
// are indices, because most of them occur hundreds of times.
type pageData struct {
	Families     []pageFamily   `json:"families"`
	Verdicts     []pageVerdict  `json:"verdicts"`
	Requirements []requirement  `json:"requirements"`
	Properties   []pageProperty `json:"properties"`
	Subjects     []pageSubject  `json:"subjects"`
	Reasons      []string       `json:"reasons"`
	reasons      map[string]int
	Libraries    string `json:"libraries"` // where the libraries' columns come from, if from another run
}

type pageFamily struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type pageVerdict struct {
	Name string `json:"name"`
	Mark string `json:"mark"`
}

type pageProperty struct {
	ID      string `json:"id"`
	Family  string `json:"family"`
	Title   string `json:"title"`
	Promise string `json:"promise"`
	File    string `json:"file,omitempty"` // of the test; none if it has changed since
	Line    int    `json:"line,omitempty"`
	Source  string `json:"source,omitempty"`
}

type pageSubject struct {
	Name      string            `json:"name"`
	Kind      string            `json:"kind"`
	Idea      string            `json:"idea"`
	ShippedBy []string          `json:"shippedBy,omitempty"`
	Ships     string            `json:"ships,omitempty"`
	NeedsGIL  *string           `json:"needsGIL"` // why; "" if it does not; null if that was not recorded
	Elsewhere map[string]string `json:"elsewhere,omitempty"`
	Costs     []string          `json:"costs,omitempty"`
	Cells     [][]int           `json:"cells"` // for each property the verdict; the reason; what was declared, if that is something else
}

// pageVerdicts in the order of filters. The last is of what a run does not have.
var pageVerdicts = []pageVerdict{
	{"holds", "✓"}, {"breaks", "✗"}, {"n/a", "–"}, {"crashed", "☠"}, {"hung", "∞"}, {"failed", "!"}, {notRecorded, "·"},
}

func verdictIndex(name string) int {
	return slices.IndexFunc(pageVerdicts, func(v pageVerdict) bool { return v.Name == name })
}

var familyOf = regexp.MustCompile(`^[A-Z]+`)

func (r *run) data(peers *run, tests map[string]test) pageData {
	d := pageData{Verdicts: pageVerdicts, Requirements: requirements, reasons: map[string]int{}}
	for _, f := range families {
		d.Families = append(d.Families, pageFamily(f))
	}
	if r.Matrix == nil {
		return d
	}
	for _, p := range r.Matrix.Properties {
		shown := pageProperty{ID: p.ID, Family: familyOf.FindString(p.ID), Title: p.Title, Promise: p.Promise}
		if t, ok := tests[p.ID]; ok && t.Promise == p.Promise { // else the test has changed since
			shown.File, shown.Line, shown.Source = t.File, t.Line, t.Source
		}
		d.Properties = append(d.Properties, shown)
	}
	d.add(r, r, "strategy")
	if peers != nil && peers.Matrix != nil && !r.Machine.Peers {
		d.Libraries = peers.Label
		d.add(peers, r, "library")
	} else {
		d.add(r, r, "library")
	}
	return d
}

// add adds the subjects of one kind that a run has, with their verdicts of the properties of run of.
func (d *pageData) add(from, of *run, kind string) {
	for _, s := range from.Matrix.Subjects {
		if s.Kind != kind || !from.Matrix.measured(s.Name) {
			continue
		}
		column := pageSubject{Name: s.Name, Kind: s.Kind, Idea: s.Idea, ShippedBy: s.ShippedBy, Ships: s.Ships, NeedsGIL: s.NeedsGIL, Elsewhere: s.Elsewhere}
		for _, m := range shown {
			dots, _ := from.dots("py", row{m.operation, seconds})
			for _, d := range dots {
				if d.name == s.Name {
					column.Costs = append(column.Costs, m.title+" "+d.text)
				}
			}
		}
		for _, p := range of.Matrix.Properties {
			o, ok := from.Matrix.find(s.Name, p.ID)
			if !ok {
				o.Outcome = notRecorded
			}
			cell := []int{verdictIndex(o.Outcome)}
			switch {
			case o.Expected != "" && o.Expected != o.Outcome:
				cell = append(cell, d.text(o.Reason), d.text(o.Expected))
			case o.Reason != "":
				cell = append(cell, d.text(o.Reason))
			}
			column.Cells = append(column.Cells, cell)
		}
		d.Subjects = append(d.Subjects, column)
	}
}

// text is a reason's index.
func (d *pageData) text(reason string) int {
	at, ok := d.reasons[reason]
	if !ok {
		at = len(d.Reasons)
		d.reasons[reason] = at
		d.Reasons = append(d.Reasons, reason)
	}
	return at
}
