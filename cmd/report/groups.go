package main

import (
	"fmt"
	"slices"
	"strings"

	"pyobject-preservation/bench/catalog"
)

// columnsAtMost is how wide a table of a report may be.
const columnsAtMost = 7

// grouped are the rows of a language by the title of their group, in the order of the catalog. What is in
// no group comes last.
func (r *run) grouped(lang string) (titles []string, rows map[string][]row) {
	rows = map[string][]row{}
	rest := slices.Clone(r.Rows[lang])
	rest = slices.DeleteFunc(rest, func(row row) bool { return r.exact(row.unit) && row.unit != instructions || r.timedToo(lang, row) })
	take := func(title string, in func(operation string) bool) {
		rest = slices.DeleteFunc(rest, func(one row) bool {
			operation, _, _ := strings.Cut(one.name, "/")
			if !in(operation) {
				return false
			}
			rows[title] = append(rows[title], one)
			return true
		})
		if len(rows[title]) > 0 {
			titles = append(titles, title)
		}
	}
	for _, g := range catalog.Groups {
		take(g.Title, func(operation string) bool {
			return slices.ContainsFunc(g.Operations, func(o catalog.Operation) bool { return o.Name == operation })
		})
	}
	take("Others", func(string) bool { return true })
	return titles, rows
}

// timedToo reports whether a row of counts is shown in the cells of the row of times.
func (r *run) timedToo(lang string, one row) bool {
	return one.unit == instructions && slices.Contains(r.Rows[lang], row{one.name, seconds})
}

// tables are all operations of one language. Where there are few subjects, as beside a library,
// they are across; else operations are, in groups.
func (r *run) tables(lang string) string {
	var out strings.Builder
	var notes footnotes
	used := map[string]bool{}
	subjects := r.columns(lang)
	titles, rows := r.grouped(lang)

	if len(subjects) < columnsAtMost {
		header(&out, append([]string{"operation"}, subjects...))
		for _, title := range titles {
			for _, row := range rows[title] {
				writeLine(&out, append([]string{r.title(row)}, r.line(lang, row, subjects, &notes, used)...))
			}
		}
	} else {
		for _, title := range titles {
			for some := range slices.Chunk(rows[title], columnsAtMost-1) {
				fmt.Fprintf(&out, "%s### %s\n\n", "\n"[:min(out.Len(), 1)], title)
				r.across(&out, lang, some, subjects, &notes, used)
			}
		}
	}
	r.legend(&out, lang, used, &notes)
	return out.String()
}

// across is a table with a line for each subject.
func (r *run) across(out *strings.Builder, lang string, rows []row, subjects []string, notes *footnotes, used map[string]bool) {
	names := []string{"strategy"}
	var columns [][]string
	for _, row := range rows {
		names = append(names, r.title(row))
		columns = append(columns, r.line(lang, row, subjects, notes, used))
	}
	header(out, names)
	for i, subject := range subjects {
		line := []string{subject}
		for _, column := range columns {
			line = append(line, column[i])
		}
		writeLine(out, line)
	}
}

// line is an operation's cell for each subject.
func (r *run) line(lang string, row row, subjects []string, notes *footnotes, used map[string]bool) (cells []string) {
	best, figures := r.best(lang, row), r.figures(lang, row.name)
	for _, subject := range subjects {
		text := r.cell(cell{lang, row, subject}, figures[subject], notes, used)
		if best[subject] {
			text = "**" + text + "**"
		}
		cells = append(cells, text)
	}
	return cells
}

func (r *run) legend(out *strings.Builder, lang string, used map[string]bool, notes *footnotes) {
	out.WriteString("\n")
	if !strings.HasPrefix(lang, "py") {
		out.WriteString("The median time")
	} else {
		out.WriteString("Above: instructions as a ratio to the floor; for the floor their number. *Below: the median wall time*")
	}
	fmt.Fprintf(out, " and its %.0f %% confidence interval (±∞: too few rounds for one), then the ratio to the floor"+
		" of the same round, likewise: one figure for those that cannot be told apart. **Bold**: the best times beside the floor,"+
		" and what cannot be told apart from them.\n", confidence*100)
	for _, m := range marks {
		if used[m.mark] {
			fmt.Fprintf(out, "<br>%s %s\n", m.mark, m.meaning)
		}
	}
	notes.write(out)
}
