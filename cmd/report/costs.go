package main

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/perf/benchunit"
)

// answered is the operation whose cost is a strategy's in the answer: what it costs that a
// wrapper has died.
const answered = "WrapDead"

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

// points are what strategies keep and what that costs them.
func (r *run) points() (points []point, a axis) {
	dots, a := r.dots("py", row{answered, seconds})
	for _, d := range dots {
		if a.counted { // the time would be away from its name
			d.lo, d.hi = d.value, d.value
		}
		if holds, all := r.tally(d.name); all > 0 {
			points = append(points, point{d, 100 * float64(holds) / float64(all)})
		}
	}
	a.counted = false
	return points, a
}

// dots are what a row has of each strategy. Of an operation that the floor has too it is what tables
// say: the ratio of instructions, or of time if they were not counted for all strategies, and the
// interval of the ratio of time. A library's are to the floor in its own process.
func (r *run) dots(lang string, one row) (dots []dot, a axis) {
	a = axis{what: axisWords(one.unit), tick: func(v float64) string { return short(v, one.unit) }}
	if base := r.Samples[cell{lang, one, floor}]; base != nil {
		a.floor = one.unit == seconds || summary(base.values).Center >= 1 // less than a byte is nothing to compare with
	}
	if a.floor {
		a.tick = func(v float64) string { return fmt.Sprintf("%.4g×", v) }
		a.counted = one.unit == seconds && r.counted(lang, one.name)
	}
	if a.counted {
		a.what = axisWords(instructions)
	}
	for _, name := range r.Strategies {
		in := lang
		if lang == "py" {
			in = r.langOf(name)
		}
		c := cell{in, one, name}
		if a.floor && name == floor || r.Samples[c] == nil {
			continue
		}
		d, ok := r.dot(c, a)
		if !ok {
			continue
		}
		lacks := r.marksOf(c)
		d.text += lacks
		switch {
		case name == floor || name == baseline:
			d.role = other
		case lacks != "":
			d.role = lost
		default:
			d.role = kept
		}
		dots = append(dots, d)
	}
	return dots, a
}

// counted reports whether instructions were counted for all strategies that were timed.
func (r *run) counted(lang, operation string) bool {
	for _, name := range r.columns(lang) {
		timed, counted := r.Samples[cell{lang, row{operation, seconds}, name}], r.Samples[cell{lang, row{operation, instructions}, name}]
		if timed != nil && counted == nil {
			return false
		}
	}
	return true
}

// dot is one value; ok is false if there is none of what the axis has.
func (r *run) dot(c cell, a axis) (d dot, ok bool) {
	s := r.Samples[c]
	if !a.floor {
		m := summary(s.values)
		return newDot(c.strategy, short(m.Center, c.unit), ratio{center: m.Center, lo: m.Lo, hi: m.Hi, interval: len(m.Warnings) == 0}), true
	}
	var shown ratio
	if f := r.figures(c.lang, c.name)[c.strategy]; c.unit == seconds {
		shown, ok = f.time, f.timed && !f.absolute
		if a.counted {
			shown.center, ok = f.count, f.counted && !f.absolute
		}
	} else if base := r.Samples[cell{c.lang, c.row, floor}]; base != nil {
		shown, ok = compare(s.values, base.values)
	}
	return newDot(c.strategy, times(shown.center), shown), ok
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
	if unit == seconds {
		return amount(v, unit, 1)
	}
	return benchunit.Scale(v, benchunit.Decimal)
}

// rowsOf are the rows of an operation that charts show: from Python where that has it, because that
// is what users of a binding feel, and from Go where it has not.
func (r *run) rowsOf(operation string) (lang string, rows []row) {
	for _, lang := range []string{"py", "go"} {
		for _, row := range r.Rows[lang] {
			if r.shows(lang, operation, row) {
				rows = append(rows, row)
			}
		}
		if rows != nil {
			return lang, rows
		}
	}
	return "", nil
}

// shows reports whether a row is of an operation, and a measurement of its own: what is counted is
// shown with its time.
func (r *run) shows(lang, operation string, row row) bool {
	name, _, _ := strings.Cut(row.name, "/")
	return name == operation && (row.unit == instructions || !r.exact(row.unit)) && !r.timedToo(lang, row)
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
	points, a := r.points()
	if len(keep) == 0 || len(forget) == 0 || len(points) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d strategies keep the wrapper, so Python gets the same object back: %s. They hold %s, and to wrap an object whose wrapper "+
		"is dead costs them %s the floor's %s. The others do not keep it: they hold %s, and the same wrap costs %s.",
		len(keep), len(keep)+len(forget), enumerate(keep), span(points, keep, heldOf), span(points, keep, costOf), a.what,
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
