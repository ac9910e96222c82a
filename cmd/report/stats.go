package main

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"
)

const confidence = 0.95

// summary is the median of a cell and the bounds of its confidence interval.
func summary(values []float64) benchmath.Summary {
	// NewSample sorts what it is given, and the order of ours means something.
	s := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(s, confidence)
}

// ratio compares a strategy with the floor, round by round: what slowed the
// machine down for a while slowed both. Only when the two do not have the same
// number of rounds it falls back to the medians, without an interval.
type ratio struct {
	center, lo, hi float64
	interval       bool
	rounds         []float64 // the ratio of each round, where there are as many as of the floor
}

func compare(values, base []float64) (ratio, bool) {
	if len(values) == 0 || len(base) == 0 || slices.Min(base) <= 0 {
		return ratio{}, false
	}
	if len(values) != len(base) {
		return ratio{center: summary(values).Center / summary(base).Center}, true
	}
	each := make([]float64, len(values))
	for i := range values {
		each[i] = values[i] / base[i]
	}
	return ofRounds(each), true
}

func ofRounds(each []float64) ratio {
	s := summary(each)
	return ratio{s.Center, s.Lo, s.Hi, len(s.Warnings) == 0, each}
}

// String has no more digits than the interval can tell apart.
func (r ratio) String() string {
	if !r.interval {
		return fmt.Sprintf("%.1f× (±∞)", r.center)
	}
	digits := r.digits()
	return fmt.Sprintf("%.*f× (%s)", digits, r.center, r.bounds("–"))
}

func (r ratio) bounds(dash string) string {
	digits := r.digits()
	return fmt.Sprintf("%.*f%s%.*f", digits, r.lo, dash, digits, r.hi)
}

func (r ratio) digits() int {
	switch half := (r.hi - r.lo) / 2; {
	case half >= 1:
		return 0
	case half >= 0.05:
		return 1
	case r.center < 0.1:
		return 3
	}
	return 2
}

// apart reports whether two samples differ (Mann-Whitney, 5 %).
func apart(a, b []float64) bool {
	c := benchmath.AssumeNothing.Compare(
		benchmath.NewSample(slices.Clone(a), &benchmath.DefaultThresholds),
		benchmath.NewSample(slices.Clone(b), &benchmath.DefaultThresholds))
	return c.P < c.Alpha
}

func times(x float64) string { return number(x) + "×" }

func number(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	if x >= 10 {
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// amount formats a value with its unit, such as "29.7 ns" or "64.0 B", to so many digits less than four.
func amount(value float64, unit string, less int) string {
	scaler := benchunit.CommonScale([]float64{value}, benchunit.ClassOf(unit))
	scaler.Prec = max(0, scaler.Prec-less)
	scaled := scaler.Format(value)
	digits := strings.TrimRightFunc(scaled, func(c rune) bool { return (c < '0' || c > '9') && c != '.' })
	prefix := scaled[len(digits):]
	switch {
	case strings.HasPrefix(unit, "sec/"):
		return digits + " " + prefix + "s"
	case strings.HasSuffix(unit, "bytes/obj"):
		return digits + " " + prefix + "B"
	}
	return scaled + " " + unit
}

// median is a median with its interval, and no more digits than that can tell apart.
func median(s benchmath.Summary, unit string) string {
	less := 1
	if (s.Hi-s.Lo)/2 > 0.05*s.Center {
		less = 2
	}
	return amount(s.Center, unit, less) + " " + spread(s)
}

// spread is the confidence interval as a percentage of the median.
func spread(s benchmath.Summary) string { return "±" + strings.TrimSpace(s.PctRangeString()) }
