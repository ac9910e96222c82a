package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// What README's tables show, in this order.
var shown = []struct{ operation, title string }{
	{"WrapLive", "wrap live"}, {"WrapDead", "wrap dead"}, {"Create", "create"}, {"Call", "call"},
}

var langNames = map[string]string{"go": "From Go and C", "py": "From Python"}

// page is results/<label>/report.md.
func (r *run) page() string {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\nMade by `make report LABEL=%s` from the files beside this one.\n\n%s\n", r.Label, r.Label, r.about())
	fmt.Fprintf(&out, "\n## In short\n\n%s", r.overview())
	if r.Machine.Peers && r.Matrix != nil {
		fmt.Fprintf(&out, "\n## The libraries themselves\n\n%s%s", r.peers(), r.differences())
	}
	fmt.Fprintf(&out, "\n## What is promised\n\n%s", r.promises())
	for _, lang := range r.Langs {
		if lang == latencyLang {
			continue
		}
		name := langNames[lang]
		if library, own := strings.CutPrefix(lang, beside); own {
			name = library + ", from Python"
		}
		if name == "" {
			name = lang
		}
		fmt.Fprintf(&out, "\n## %s\n\n%s", name, r.tables(lang))
	}
	if len(r.Langs) == 0 {
		out.WriteString("\n## Benchmarks\n\nNot recorded.\n")
	}
	fmt.Fprintf(&out, "\n## Instructions and time\n\n%s", r.orders())
	if !r.Machine.Peers {
		fmt.Fprintf(&out, "\n## Releases by goroutines\n\n%s", r.latencySection())
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

const reading = "\nFrom Python. Above: instructions as a ratio to the floor, a bare C extension that does no lifetime work. " +
	"*Below: wall time as a ratio to the floor, with its 95 % confidence interval; where it cannot tell strategies apart they " +
	"have one figure.* The floor's own: instructions, and the median time.\n"

// overview has a line for each strategy: what it keeps, and what the four operations that
// matter most cost from Python.
func (r *run) overview() string {
	var out strings.Builder
	var notes footnotes
	columns := []string{"strategy", "keeps", "properties held"}
	for _, m := range shown {
		columns = append(columns, m.title)
	}
	header(&out, columns)
	for _, strategy := range r.Strategies {
		line := []string{strategy, r.keeps(strategy), r.held(strategy)}
		for _, m := range shown {
			line = append(line, r.figures(r.langOf(strategy), m.operation)[strategy].lines(false, &notes))
		}
		writeLine(&out, line)
	}
	out.WriteString(reading)
	out.WriteString("<br>Keeps: identity, weak references, over any number of deaths of the wrapper.\n")
	notes.write(&out)
	return out.String()
}

// keeps says what was measured about identity and weak references.
func (r *run) keeps(strategy string) string {
	identity, weakref := r.kept("identity", strategy), r.kept("weakref", strategy)
	switch {
	case identity == weakref && identity == "kept":
		return "both"
	case identity == weakref && identity == "lost":
		return "neither"
	case identity == "kept":
		return "identity"
	case weakref == "kept":
		return "weak references"
	}
	return notMeasured
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

// tolerance is by how much a promised ratio may be exceeded.
const tolerance = 0.03

// promises are ratios of instructions to the floor that make test checks.
func (r *run) promises() string {
	var out strings.Builder
	strategies, operations := r.promised()
	if len(strategies) == 0 {
		return "Nothing is promised for this CPython and processor, or this run did not record it.\n"
	}
	header(&out, append([]string{"instructions, as a ratio to the floor"}, strategies...))
	for _, operation := range operations {
		line := []string{r.title(row{operation, instructions})}
		for _, strategy := range strategies {
			text := notCounted
			if promised, counted, ok := r.promise(operation, strategy); ok {
				text = times(promised) + ": " + times(counted)
				if counted > promised*(1+tolerance) {
					text += " **does not hold**"
				}
			}
			line = append(line, text)
		}
		writeLine(&out, line)
	}
	fmt.Fprintf(&out, "\nPromised: counted. A promise holds up to %.0f %% above it; `make test` checks all of them.\n", tolerance*100)
	return out.String()
}

// promised are the strategies and operations with a promise, as other tables order them.
func (r *run) promised() (strategies, operations []string) {
	for _, strategy := range r.Strategies {
		for _, one := range r.Rows["py"] {
			if _, ok := r.Promises[cell{"py", one, strategy}]; !ok {
				continue
			}
			if !slices.Contains(strategies, strategy) {
				strategies = append(strategies, strategy)
			}
			if !slices.Contains(operations, one.name) {
				operations = append(operations, one.name)
			}
		}
	}
	return strategies, operations
}

// promise is a promised ratio and the one that was counted; ok if there are both.
func (r *run) promise(operation, strategy string) (promised, counted float64, ok bool) {
	c := cell{"py", row{operation, instructions}, strategy}
	one, base := r.Samples[c], r.Samples[cell{"py", c.row, floor}]
	promised, ok = r.Promises[c]
	if !ok || one == nil || base == nil {
		return 0, 0, false
	}
	return promised, one.values[0] / base.values[0], true
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
