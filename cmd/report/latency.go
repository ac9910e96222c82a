package main

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// latencyLang are the results of bench/release_latency.py, which have a section of their own.
const latencyLang = "latency"

// undisturbed is the row of a loop while nothing is released: what the machine alone does.
const undisturbed = "Pause/shape=none"

const latencyReading = "The first column is the time from the last release of an object by a goroutine to `__del__`. The others are the pauses of a loop in Python while a goroutine " +
	"releases the root of that many objects, in a tree where each has ten children, as the children of one, or in a chain: the gaps of more than 0.1 ms between two iterations, in which other Python threads wait, too. " +
	"A pause that grows with the number of objects is felt by every thread of a program that drops something large; " +
	"the floor is a thread that takes the GIL and drops the root, as libraries without a queue do. " +
	"Median, 99th percentile and longest. *own* is the longest pause without the time for which the machine took a processor away, as the host of a virtual machine does; " +
	"*GIL* is the longest time, by the clock on the wall, for which a thread that released kept the GIL.%s Strategies that run `__del__` when Python drops the wrapper are not in this table.\n"

// latencyRows are the rows of the section, in the order of the run.
func (r *run) latencyRows() (names []string) {
	for _, row := range r.Rows[latencyLang] {
		if row.name != undisturbed && !slices.Contains(names, row.name) {
			names = append(names, row.name)
		}
	}
	return names
}

// latency is the section's table in Markdown, and what is to be said of it. No lines if it was not recorded.
func (r *run) latency() (columns []string, lines [][]string, words string) {
	rows := r.latencyRows()
	for _, name := range rows {
		columns = append(columns, strings.NewReplacer("shape=", "", "objs=", "", "/", " ").Replace(name))
	}
	for _, strategy := range r.Strategies {
		line := []string{strategy}
		for _, name := range rows {
			line = append(line, r.latencyCell(name, strategy))
		}
		if slices.ContainsFunc(line[1:], func(text string) bool { return text != notMeasured }) {
			lines = append(lines, line)
		}
	}
	idle := ""
	if r.Samples[cell{latencyLang, row{undisturbed, "max-us"}, floor}] != nil {
		idle = fmt.Sprintf(" The same loop, while nothing is released: %s.", r.latencyCell(undisturbed, floor))
	}
	return columns, lines, fmt.Sprintf(latencyReading, idle)
}

func (r *run) latencyCell(name, strategy string) string {
	var parts []string
	for _, unit := range []string{"p50-us", "p99-us", "max-us"} {
		s := r.Samples[cell{latencyLang, row{name, unit}, strategy}]
		if s == nil {
			return notMeasured
		}
		parts = append(parts, microseconds(s.values[0]))
	}
	text := strings.Join(parts, ", ")
	parts = nil
	for _, more := range []struct{ unit, label string }{{"own-us", "own"}, {"slice-us", "GIL"}} {
		if s := r.Samples[cell{latencyLang, row{name, more.unit}, strategy}]; s != nil {
			parts = append(parts, more.label+" "+microseconds(s.values[0]))
		}
	}
	if len(parts) > 0 {
		text += "<br>*" + strings.Join(parts, ", ") + "*"
	}
	return text
}

func microseconds(us float64) string {
	if us == 0 {
		return "none"
	}
	return amount(us/1e6, seconds, 2)
}

// latencySection is the section of report.md.
func (r *run) latencySection() string {
	columns, lines, words := r.latency()
	if len(lines) == 0 {
		return "Not recorded.\n"
	}
	var out strings.Builder
	header(&out, append([]string{"strategy"}, columns...))
	for _, line := range lines {
		writeLine(&out, line)
	}
	return out.String() + "\n" + words
}

// latencyView is the section of the page.
type latencyView struct {
	Words template.HTML
	Table tableView
}

func (r *run) latencyView() *latencyView {
	columns, lines, words := r.latency()
	if len(lines) == 0 {
		return nil
	}
	v := &latencyView{Words: fromMarkdown(strings.ReplaceAll(words, "`", "")), Table: tableView{Columns: columns}}
	for _, line := range lines {
		row := tableRow{Name: line[0]}
		for _, text := range line[1:] {
			row.Cells = append(row.Cells, fromMarkdown(text))
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	return v
}
