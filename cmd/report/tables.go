package main

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
)

// Marks of a cell whose operation did less than the floor's. What they mean
// was measured in the same process, right after the operation.
var marks = []struct{ unit, mark, meaning string }{
	{"identity", "†", "identity lost: a wrapper that died and came back is another object"},
	{"weakref", "‡", "weak references lost: they die with the wrapper"},
	{"attributes", "§", "attributes lost: what was stored on the wrappers was gone, so less was stored and read"},
	{"override", "¶", "override not reached: native code called the base class's method, so less was done"},
}

const (
	notMeasured = "not measured"
	notCounted  = "not counted"
	notRecorded = "not recorded"
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

func (r *run) title(row row) string {
	name := strings.ReplaceAll(row.name, "/", " ")
	if strings.HasSuffix(row.unit, "bytes/obj") {
		return name + " " + strings.TrimSuffix(row.unit, "-bytes/obj")
	}
	return name
}

// cell is never blank.
func (r *run) cell(c cell, f *figure, notes *footnotes, used map[string]bool) string {
	s := r.Samples[c]
	if s == nil {
		return absence(r.missing(c.lang, c.name, c.strategy), notes)
	}
	text := median(summary(s.values), c.unit)
	switch {
	case c.unit == instructions || c.unit == seconds && strings.HasPrefix(c.lang, "py"):
		text = f.lines(true, notes)
	case c.unit == seconds && !f.absolute && f.timed:
		text += "<br>" + f.time.String()
	case c.unit != seconds:
		text += r.compared(c, s)
	}
	if m := r.marksOf(c); m != "" {
		text += " " + m
		for _, mark := range strings.Split(m, "") {
			used[mark] = true
		}
	}
	return text
}

// compared is the ratio to the floor of a figure other than a time. Less than a byte is nothing to compare with.
func (r *run) compared(c cell, s *samples) string {
	base := r.Samples[cell{c.lang, c.row, floor}]
	if c.strategy == floor || base == nil || summary(base.values).Center < 1 {
		return ""
	}
	ratio, ok := compare(s.values, base.values)
	if !ok {
		return ""
	}
	return "<br>" + ratio.String()
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
