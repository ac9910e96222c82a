package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	seconds      = "sec/op"
	instructions = "instructions/op"
)

// resolution is the relative difference that two counts of the same thing can have.
const resolution = 0.003

// figure is what an operation of a strategy costs, in instructions and in wall time: as ratios to the
// floor, or as they are, for the floor itself and where there is no floor. Strategies that cannot
// be told apart have the same ratios.
type figure struct {
	absolute       bool
	counted, timed bool
	count          float64
	own            string // the median time and its interval
	median         float64
	time           ratio
	missing        string // why there is no figure, "" if there is one
	uncounted      string // why instructions were not counted, "" if the run does not say
}

// figures are those of all strategies of a language and operation.
func (r *run) figures(lang, operation string) map[string]*figure {
	found := map[string]*figure{}
	counts, ratios := map[string]float64{}, map[string]ratio{}
	sample := func(unit, strategy string) []float64 {
		if s := r.Samples[cell{lang, row{operation, unit}, strategy}]; s != nil {
			return s.values
		}
		return nil
	}
	baseTimes, baseCount := sample(seconds, floor), sample(instructions, floor)
	for _, strategy := range r.Strategies {
		timed, counted := sample(seconds, strategy), sample(instructions, strategy)
		f := &figure{
			absolute: strategy == floor || baseTimes == nil && baseCount == nil,
			counted:  counted != nil, timed: timed != nil,
			uncounted: r.uncounted(lang, operation, strategy),
		}
		found[strategy] = f
		if timed == nil && counted == nil {
			f.missing = r.missing(lang, operation, strategy)
		}
		if timed != nil {
			s := summary(timed)
			f.median, f.own = s.Center, median(s, seconds)
		}
		if f.absolute {
			if counted != nil {
				f.count = counted[0]
			}
			continue
		}
		compared, comparable := compare(timed, baseTimes)
		if f.timed = comparable; comparable {
			ratios[strategy] = compared
		}
		if f.counted = counted != nil && baseCount != nil; f.counted {
			counts[strategy] = counted[0] / baseCount[0]
		}
	}
	near := func(least, other float64) bool { return other/least-1 <= resolution }
	for strategy, count := range shared(counts, near, func(x float64) float64 { return x }, mean) {
		found[strategy].count = count
	}
	alike := func(a, b ratio) bool { return a.interval && b.interval && !apart(a.rounds, b.rounds) }
	for strategy, time := range shared(ratios, alike, func(x ratio) float64 { return x.center }, pooled) {
		found[strategy].time = time
	}
	return found
}

// shared gives those that are alike one value. Being alike is not transitive: beginning with the
// least, a group takes each that is like all that it has.
func shared[T any](all map[string]T, alike func(a, b T) bool, order func(T) float64, merge func([]T) T) map[string]T {
	result := map[string]T{}
	left := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(order(all[a]), order(all[b])), strings.Compare(a, b))
	})
	for len(left) > 0 {
		var names []string
		var group []T
		left = slices.DeleteFunc(left, func(name string) bool {
			if slices.ContainsFunc(group, func(one T) bool { return !alike(one, all[name]) }) {
				return false
			}
			names, group = append(names, name), append(group, all[name])
			return true
		})
		value := merge(group)
		for _, name := range names {
			result[name] = value
		}
	}
	return result
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// pooled is the ratio over the rounds of all of them together.
func pooled(ratios []ratio) ratio {
	if len(ratios) == 1 {
		return ratios[0]
	}
	var each []float64
	for _, r := range ratios {
		each = append(each, r.rounds...)
	}
	return ofRounds(each)
}

// missing is why an operation does not exist, or that it was not measured.
func (r *run) missing(lang, operation, strategy string) string {
	if why := r.Absent[cell{lang, row{name: operation}, strategy}]; why != "" {
		return why
	}
	return notMeasured
}

// uncounted is why instructions were not counted; "" if they were, or the run does not say.
func (r *run) uncounted(lang, operation, strategy string) string {
	if why := r.Uncounted[cell{lang, row{name: operation}, strategy}]; why != "" {
		return why
	}
	for c := range r.Samples {
		if c.unit == instructions {
			return ""
		}
	}
	return cmp.Or(r.Uncounted[cell{lang: "py"}], "this run counted no instructions")
}

// lines are a cell of Markdown: instructions, and below them the wall time in italics. With own the
// strategy's own time is there, too.
func (f *figure) lines(own bool, notes *footnotes) string {
	if f.missing != "" {
		return absence(f.missing, notes)
	}
	return f.instructions(notes) + "<br>*" + f.wall(own) + "*"
}

func (f *figure) instructions(notes *footnotes) string {
	switch {
	case f.counted && f.absolute:
		return fmt.Sprintf("%.1f", f.count)
	case f.counted:
		return times(f.count)
	case f.uncounted != "" && notes != nil:
		return notCounted + notes.mark(plain(f.uncounted))
	}
	return notCounted
}

func (f *figure) wall(own bool) string {
	switch {
	case !f.timed:
		return notMeasured
	case f.absolute:
		return f.own
	case own:
		return f.own + ", " + f.time.String()
	}
	return f.time.String()
}

// text is a cell on a terminal, where "-" means not known.
func (f *figure) text() string {
	count, wall := "-", "-"
	switch {
	case f.counted && f.absolute:
		count = fmt.Sprintf("%.0f", f.count)
	case f.counted:
		count = number(f.count)
	}
	switch {
	case f.timed && f.absolute:
		wall = strings.ReplaceAll(amount(f.median, seconds, 1), " ", "")
	case f.timed && f.time.interval:
		wall = f.time.bounds("-")
	}
	return fmt.Sprintf("%5s %s", count, wall)
}

// absence is why there is nothing: a note, if it is more than that.
func absence(why string, notes *footnotes) string {
	switch {
	case why == notMeasured:
		return why
	case notes != nil:
		return "n/a" + notes.mark(plain(why))
	}
	return "n/a: " + plain(why)
}
