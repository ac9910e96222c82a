package main

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

// Marks of a cell whose operation did less than the floor's. What they stand for
// was measured in the same process, right after the operation.
var marks = []struct{ unit, mark, meaning string }{
	{"identity", "†", "identity lost: a wrapper that died and came back is another object"},
	{"weakref", "‡", "weak references lost: they die with the wrapper"},
	{"attributes", "§", "attributes lost: what was stored on the wrappers was gone, so less was stored and read"},
	{"override", "¶", "override not reached: native code called the base class's method, so less was done"},
}

const (
	notMeasured = "not measured"
	notRecorded = "not recorded"
	noFloor     = "no floor"
)

// footnotes numbers reasons in the order they are first needed.
type footnotes struct{ texts []string }

func (f *footnotes) mark(text string) string {
	for i, t := range f.texts {
		if t == text {
			return fmt.Sprintf("<sup>%d</sup>", i+1)
		}
	}
	f.texts = append(f.texts, text)
	return fmt.Sprintf("<sup>%d</sup>", len(f.texts))
}

func (f *footnotes) write(out *strings.Builder) {
	for i, text := range f.texts {
		fmt.Fprintf(out, "<br><sup>%d</sup> %s\n", i+1, text)
	}
}

// table is all operations of one language, strategies across.
func (r *run) table(lang string) string {
	var out strings.Builder
	var notes footnotes
	used := map[string]bool{}

	strategies := r.columns(lang)
	header(&out, append([]string{"operation"}, strategies...))
	for _, row := range r.Rows[lang] {
		if r.exact(row.unit) {
			continue
		}
		line := []string{r.title(row)}
		best := r.best(lang, row)
		for _, strategy := range strategies {
			text := r.cell(cell{lang, row, strategy}, &notes, used)
			if best[strategy] {
				text = "**" + text + "**"
			}
			line = append(line, text)
		}
		writeLine(&out, line)
	}
	fmt.Fprintf(&out, "\nMedian and its %.0f %% confidence interval (±∞: too few rounds for one), then the ratio to the floor"+
		" of the same round, likewise. **Bold**: the best of the row beside the floor, and what cannot be told apart from it.\n", confidence*100)
	for _, m := range marks {
		if used[m.mark] {
			fmt.Fprintf(&out, "<br>%s %s\n", m.mark, m.meaning)
		}
	}
	notes.write(&out)
	return out.String()
}

func (r *run) title(row row) string {
	name := strings.ReplaceAll(row.name, "/", " ")
	if strings.HasSuffix(row.unit, "bytes/obj") {
		return name + " " + strings.TrimSuffix(row.unit, "-bytes/obj")
	}
	return name
}

// cell is never blank.
func (r *run) cell(c cell, notes *footnotes, used map[string]bool) string {
	s := r.Samples[c]
	if s == nil {
		why := r.Absent[cell{c.lang, row{name: c.name}, c.strategy}]
		if why == "" {
			return notMeasured
		}
		return "n/a" + notes.mark(why)
	}
	center := summary(s.values)
	text := amount(center.Center, c.unit) + " " + spread(center)
	if m := r.marksOf(c); m != "" {
		text += " " + m
		for _, mark := range strings.Split(m, "") {
			used[mark] = true
		}
	}
	if c.strategy == floor {
		return text
	}
	base := r.Samples[cell{c.lang, c.row, floor}]
	if base == nil || strings.HasSuffix(c.unit, "bytes/obj") && summary(base.values).Center < 1 {
		return text // less than a byte is nothing to compare with
	}
	if ratio, ok := compare(s.values, base.values); ok {
		text += "<br>" + ratio.String()
	}
	return text
}

func (r *run) marksOf(c cell) (found string) {
	for _, m := range marks {
		s := r.Samples[cell{c.lang, row{c.name, m.unit}, c.strategy}]
		if s != nil && worst(s.values, r.Units.GetBetter(m.unit)) == 0 {
			found += m.mark
		}
	}
	return found
}

// worst of some values: a promise kept in nine rounds of ten is broken.
func worst(values []float64, better int) float64 {
	w := values[0]
	for _, v := range values {
		if better >= 0 && v < w || better < 0 && v > w {
			w = v
		}
	}
	return w
}

// best are the strategies with the best median of a row, as its unit says what is
// better, and those that cannot be told apart from it. None where that is
// unknown, or no distinction.
func (r *run) best(lang string, row row) (best map[string]bool) {
	better := r.Units.GetBetter(row.unit)
	if better == 0 {
		return nil
	}
	found := map[string]*benchmath.Sample{}
	var first *benchmath.Sample
	var record float64
	for _, strategy := range r.Strategies {
		s := r.Samples[cell{lang, row, strategy}]
		if s == nil || strategy == floor {
			continue
		}
		sample := benchmath.NewSample(slices.Clone(s.values), &benchmath.DefaultThresholds)
		found[strategy] = sample
		median := benchmath.AssumeNothing.Summary(sample, confidence).Center
		if first == nil || (median-record)*float64(better) > 0 {
			first, record = sample, median
		}
	}
	best = map[string]bool{}
	for strategy, sample := range found {
		if c := benchmath.AssumeNothing.Compare(first, sample); sample == first || c.P >= c.Alpha {
			best[strategy] = true
		}
	}
	if len(best) == len(found) {
		return nil
	}
	return best
}

func header(out *strings.Builder, names []string) {
	writeLine(out, names)
	rule := make([]string, len(names))
	for i := range rule {
		rule[i] = "---"
	}
	writeLine(out, rule)
}

func writeLine(out *strings.Builder, cells []string) {
	fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
}
