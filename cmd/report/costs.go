package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchunit"
)

const instructions = "instructions/op"

// headline are the operations that stand for the cost of a strategy, as in [run.overview].
var headline = []string{"WrapDead", "WrapLive", "Create", "Call"}

// subjectsOf are the strategies of the matrix and their libraries.
func (r *run) subjectsOf(kind string) (names []string) {
	if r.Matrix != nil {
		for _, s := range r.Matrix.Subjects {
			if s.Kind == kind {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// points are what strategies keep and what an operation costs them.
func (r *run) points(operation string) (points []point, a axis) {
	dots, a := r.dots("py", row{operation, r.costUnit(operation)})
	for _, d := range dots {
		if holds, all := r.tally(d.name); all > 0 {
			points = append(points, point{d, 100 * float64(holds) / float64(all)})
		}
	}
	return points, a
}

// costUnit is the unit in which an operation is compared: instructions, which are the same on
// every run, where they were counted, and time elsewhere.
func (r *run) costUnit(operation string) string {
	if r.Samples[cell{"py", row{operation, instructions}, floor}] != nil {
		return instructions
	}
	return seconds
}

// dots are the values of a row, one for each strategy that has one: ratios to the floor, if that has
// the operation. A library's is to the floor in its own process.
func (r *run) dots(lang string, row row) (dots []dot, a axis) {
	base := r.Samples[cell{lang, row, floor}]
	a = axis{floor: base != nil && !vanishes(row, base.values), label: axisWords(row.unit), tick: func(v float64) string { return short(v, row.unit) }}
	if a.floor {
		a.label += ", as a ratio to the floor"
		a.tick = func(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%.4g", v), ".0") + "×" }
	}
	for _, name := range r.Strategies {
		in := lang
		if lang == "py" {
			in = r.langOf(name)
		}
		c := cell{in, row, name}
		s := r.Samples[c]
		if s == nil || a.floor && name == floor {
			continue
		}
		shape := kept
		if lacks := r.marksOf(c); lacks != "" {
			shape = lost
		}
		if name == floor || name == baseline {
			shape = other
		}
		if !a.floor {
			m := summary(s.values)
			dots = append(dots, newDot(name, short(m.Center, row.unit)+r.marksOf(c), ratio{center: m.Center, lo: m.Lo, hi: m.Hi, interval: len(m.Warnings) == 0}, shape))
		} else if base := r.Samples[cell{in, row, floor}]; base != nil {
			if x, ok := compare(s.values, base.values); ok {
				dots = append(dots, newDot(name, times(x.center)+r.marksOf(c), x, shape))
			}
		}
	}
	return dots, a
}

// vanishes: less than a byte is nothing to compare with.
func vanishes(row row, values []float64) bool {
	return strings.HasSuffix(row.unit, "bytes/obj") && summary(values).Center < 1
}

func axisWords(unit string) string {
	switch {
	case unit == seconds:
		return "time"
	case unit == instructions:
		return "instructions"
	case strings.HasSuffix(unit, "bytes/obj"):
		return "bytes"
	}
	return unit
}

// short is an amount for a chart, such as "200 ns".
func short(v float64, unit string) string {
	if unit != seconds {
		return benchunit.Scale(v, benchunit.Decimal)
	}
	figure, prefix, _ := strings.Cut(amount(v, unit), " ")
	scaled, err := strconv.ParseFloat(figure, 64)
	if err != nil {
		panic(err) // amount formats a number
	}
	return fmt.Sprintf("%.3g %s", scaled, prefix)
}

// rowsOf are the rows of an operation that charts show: from Python where that has it, because that
// is what users of a binding feel, and from Go where it has not.
func (r *run) rowsOf(operation string) (lang string, rows []row) {
	for _, lang := range []string{"py", "go"} {
		for _, row := range r.Rows[lang] {
			if r.shows(operation, row) && (row.unit == r.costUnit(row.name) || strings.HasSuffix(row.unit, "bytes/obj")) {
				rows = append(rows, row)
			}
		}
		if rows != nil {
			return lang, rows
		}
	}
	return "", nil
}

func (r *run) shows(operation string, row row) bool {
	name, _, _ := strings.Cut(row.name, "/")
	return name == operation && !r.exact(row.unit)
}

// answer is the comparison in two sentences.
func (r *run) answer() string {
	var keep, forget []string
	for _, name := range r.subjectsOf("strategy") {
		switch r.kept("identity", name) {
		case "kept":
			keep = append(keep, name)
		case "lost":
			forget = append(forget, name)
		}
	}
	points, _ := r.points("WrapDead")
	if len(keep) == 0 || len(forget) == 0 || len(points) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d strategies keep the wrapper, so Python gets the same object back: %s. They hold %s, and to wrap an object whose wrapper "+
		"is dead costs them %s the floor's %s. The others do not keep it: they hold %s, and the same wrap costs %s.",
		len(keep), len(keep)+len(forget), enumerate(keep), span(points, keep, heldOf), span(points, keep, costOf), axisWords(r.costUnit("WrapDead")),
		span(points, forget, heldOf), span(points, forget, costOf))
}

func heldOf(p point) (float64, string) {
	return p.held, fmt.Sprintf("%.0f %% of the properties", p.held)
}
func costOf(p point) (float64, string) { return p.value, times(p.value) }

// span is the range of some strategies' values: "90 % to 100 % of the properties".
func span(points []point, names []string, value func(point) (float64, string)) string {
	var lo, hi float64
	var from, to string
	for _, p := range points {
		if v, text := value(p); slices.Contains(names, p.name) {
			if from == "" || v < lo {
				lo, from = v, text
			}
			if to == "" || v > hi {
				hi, to = v, text
			}
		}
	}
	if from == to {
		return to
	}
	return strings.TrimSuffix(from, " of the properties") + " to " + to
}

func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
