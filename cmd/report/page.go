package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// What the suite promises of preserve, measured from Python, as ratios to the
// floor.
var claims = []struct {
	operation, words string
	bound            float64
}{
	{"WrapLive", "wrap while a wrapper is alive", 1.5},
	{"WrapDead", "wrap after the wrapper died", 2.5},
	{"Call", "a method that reads C-visible state", 1.5},
	{"Create", "create and drop, with a real Go object", 4.5},
}

const seconds = "sec/op"

var langNames = map[string]string{"go": "From Go and C", "py": "From Python"}

// page is results/<label>/report.md.
func (r *run) page() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\nMade by `make report LABEL=%s` from the files beside this one.\n\n%s\n", r.Label, r.Label, r.about())
	fmt.Fprintf(&out, "\n## In short\n\n%s", r.overview())
	if r.Machine.Peers && r.Matrix != nil {
		fmt.Fprintf(&out, "\n## The libraries themselves\n\n%s%s", r.peers(), r.differences())
	}
	fmt.Fprintf(&out, "\n## What is promised of preserve\n\n%s", r.claims())
	for _, lang := range r.Langs {
		name := langNames[lang]
		if library, own := strings.CutPrefix(lang, beside); own {
			name = library + ", from Python"
		}
		if name == "" {
			name = lang
		}
		fmt.Fprintf(&out, "\n## %s\n\n%s\n", name, r.table(lang))
	}
	if len(r.Langs) == 0 {
		out.WriteString("\n## Benchmarks\n\nNot recorded.\n")
	}
	fmt.Fprintf(&out, "\n## Correctness\n\n%s", r.matrixPage())
	return out.String()
}

// short is what goes into README.
func (r *run) short() string {
	return fmt.Sprintf("%s%s\n%s\nThe whole report: [results/%s/report.md](results/%s/report.md), and with charts, the matrix and a chooser "+
		"as a page, `results/%s/index.html`. `make bench` records a run, `make report` makes this section from the newest one.\n",
		r.overview(), r.showPictures(), r.about(), r.Label, r.Label, r.Label)
}

func (r *run) about() string {
	m := r.Machine
	text := fmt.Sprintf("Recorded %s on %s (%d cores), Linux %s, CPython %s, %s, %s, commit %s",
		date(m.Date), m.CPU, m.Cores, m.Kernel, m.Python, m.Go, m.Compiler, m.Commit)
	if m.Dirty {
		text += " with uncommitted changes"
	}
	if m.Quick {
		text += ", quick run"
	}
	return text + "."
}

func date(rfc3339 string) string {
	day, _, _ := strings.Cut(rfc3339, "T")
	return day
}

// overview has a line for each strategy: what it keeps, and what the four
// operations that matter most cost from Python.
func (r *run) overview() string {
	var out strings.Builder
	header(&out, []string{"strategy", "identity", "weakref", "properties held", "wrap live", "wrap dead", "create", "call"})
	for _, strategy := range r.Strategies {
		line := []string{strategy, r.kept("identity", strategy), r.kept("weakref", strategy), r.held(strategy)}
		for _, operation := range []string{"WrapLive", "WrapDead", "Create", "Call"} {
			line = append(line, r.relative(operation, strategy))
		}
		writeLine(&out, line)
	}
	out.WriteString("\nTimes are from Python, as ratios to the floor, a bare C extension that does no lifetime work" +
		" (for the floor itself: its time).\n")
	return out.String()
}

// kept says what was measured about a promise in all languages and operations.
func (r *run) kept(unit, strategy string) string {
	found := false
	for c, s := range r.Samples {
		if c.unit == unit && c.strategy == strategy {
			found = true
			if worst(s.values, r.Units.GetBetter(unit)) == 0 {
				return "lost"
			}
		}
	}
	if !found {
		return notMeasured
	}
	return "kept"
}

func (r *run) relative(operation, strategy string) string {
	return r.relativeIn(r.langOf(strategy), operation, strategy, nil)
}

// relativeIn is a ratio to the floor in a language; why there is none goes to the
// notes, or into the cell.
func (r *run) relativeIn(lang, operation, strategy string, notes *footnotes) string {
	s := r.Samples[cell{lang, row{operation, seconds}, strategy}]
	if s == nil {
		why := r.Absent[cell{lang, row{name: operation}, strategy}]
		switch {
		case why == "":
			return notMeasured
		case notes != nil:
			return "n/a" + notes.mark(plain(why))
		}
		return "n/a: " + why
	}
	if strategy == floor {
		return amount(summary(s.values).Center, seconds)
	}
	base := r.Samples[cell{lang, row{operation, seconds}, floor}]
	if base == nil {
		return noFloor
	}
	ratio, ok := compare(s.values, base.values)
	if !ok {
		return noFloor
	}
	return times(ratio.center)
}

func (r *run) claims() string {
	var out strings.Builder
	header(&out, []string{"from Python, as a ratio to the floor", "at most", "measured", "of the least values", "verdict"})
	for _, c := range claims {
		one := r.Samples[cell{"py", row{c.operation, seconds}, "preserve"}]
		base := r.Samples[cell{"py", row{c.operation, seconds}, floor}]
		if one == nil || base == nil {
			writeLine(&out, []string{c.words, times(c.bound), notMeasured, notMeasured, notMeasured})
			continue
		}
		ratio, ok := compare(one.values, base.values)
		verdict := "holds"
		if !ok || ratio.center > c.bound {
			verdict = "**does not hold**"
		}
		writeLine(&out, []string{c.words, times(c.bound), ratio.String(), times(ratio.least), verdict})
	}
	out.WriteString("\nMeasured is the median over the rounds of the ratio within a round.\n")
	return out.String()
}

// spliceFile replaces what is between the markers of a section of a file.
func spliceFile(path, section, text string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	spliced, err := splice(string(old), section, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if bytes.Equal(old, []byte(spliced)) {
		return nil
	}
	return os.WriteFile(path, []byte(spliced), 0o644)
}

func begin(section string) string { return "<!-- begin " + section + " -->" }
func end(section string) string   { return "<!-- end " + section + " -->" }

func splice(page, section, text string) (string, error) {
	before, rest, ok := strings.Cut(page, begin(section))
	_, after, ok2 := strings.Cut(rest, end(section))
	if !ok || !ok2 {
		return "", errors.New("the markers " + begin(section) + " and " + end(section) + " are not there, in this order")
	}
	return before + begin(section) + "\n" + text + end(section) + after, nil
}
