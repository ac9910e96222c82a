package main

import (
	"fmt"
	"slices"
	"strings"
)

// verdicts says for each outcome what a cell shows. Crashing and hanging is
// expected of libraries at most.
var verdicts = map[string]string{
	"holds": "holds", "breaks": "breaks", "n/a": "n/a",
	"crashed": "CRASHED", "hung": "HUNG", "failed": "FAILED",
}

func (m *matrix) find(subject, property string) (outcome, bool) {
	for _, o := range m.Outcomes {
		if o.Subject == subject && o.Property == property {
			return o, true
		}
	}
	return outcome{}, false
}

func (m *matrix) count(subject, what string) (n int) {
	for _, o := range m.Outcomes {
		if o.Subject == subject && o.Outcome == what {
			n++
		}
	}
	return n
}

// measured reports whether anything was asked of a subject.
func (m *matrix) measured(subject string) bool {
	for _, o := range m.Outcomes {
		if o.Subject == subject {
			return true
		}
	}
	return false
}

// held is how many of the properties that apply hold, as "47 of 49".
func (r *run) held(subject string) string {
	switch {
	case subject == floor || subject == baseline:
		return "n/a"
	case r.Matrix == nil || !r.Matrix.measured(subject):
		return notRecorded
	}
	holds, all := r.tally(subject)
	return fmt.Sprintf("%d of %d", holds, all)
}

// tally is how many properties hold, of those that apply.
func (r *run) tally(subject string) (holds, all int) {
	if r.Matrix == nil {
		return 0, 0
	}
	for _, o := range r.Matrix.Outcomes {
		if o.Subject == subject && o.Outcome != "n/a" {
			all++
		}
	}
	return r.Matrix.count(subject, "holds"), all
}

// matrixPage is the part of the report about correctness.
func (r *run) matrixPage() string {
	var out strings.Builder
	m := r.Matrix
	if m == nil {
		return "Not recorded.\n"
	}
	header(&out, []string{"subject", "holds", "breaks", "n/a", "other", "idea", "shipped by"})
	for _, s := range m.Subjects {
		if !m.measured(s.Name) {
			writeLine(&out, []string{s.Name, notRecorded, notRecorded, notRecorded, notRecorded, plain(s.Idea), list(s.ShippedBy)})
			continue
		}
		line := []string{s.Name}
		other := 0
		for _, o := range m.Outcomes {
			if o.Subject == s.Name && o.Outcome != "holds" && o.Outcome != "breaks" && o.Outcome != "n/a" {
				other++
			}
		}
		for _, what := range []string{"holds", "breaks", "n/a"} {
			line = append(line, fmt.Sprint(m.count(s.Name, what)))
		}
		writeLine(&out, append(line, fmt.Sprint(other), plain(s.Idea), list(s.ShippedBy)))
	}

	out.WriteString("\nEvery property, and the reason for each that is broken: [matrix.md](matrix.md).\n")
	if undeclared := slices.Concat(m.undeclared("strategy"), m.undeclared("library")); len(undeclared) > 0 {
		out.WriteString("\nNot as declared:\n\n")
		for _, o := range undeclared {
			fmt.Fprintf(&out, "* %s %s: %s (expected: %s). %s\n", o.Subject, plain(o.Property), m.word(o.Outcome), plain(o.Expected), plain(o.Reason))
		}
	}
	return out.String()
}

// undeclared are the outcomes of a kind of subjects that are not as expected.
func (m *matrix) undeclared(kind string) (found []outcome) {
	for _, o := range m.Outcomes {
		if _, library := m.library(o.Subject); library != (kind == "library") {
			continue
		}
		if o.Expected != "" && o.Outcome != o.Expected {
			found = append(found, o)
		}
	}
	return found
}

func (m *matrix) word(outcome string) string {
	if text := verdicts[outcome]; text != "" {
		return text
	}
	return plain(outcome)
}

var escape = strings.NewReplacer("|", `\|`, "_", `\_`, "*", `\*`, "<", "&lt;")

// plain makes a text fit for a cell: one line, and no Markdown of its own.
func plain(s string) string { return escape.Replace(strings.Join(strings.Fields(s), " ")) }

func list(names []string) string {
	if len(names) == 0 {
		return "no library that we know of"
	}
	return plain(strings.Join(names, ", "))
}
