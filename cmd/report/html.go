package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"pyobject-preservation/bench/catalog"
)

//go:embed page/index.html
var pageTemplate string

//go:embed page/style.css
var pageStyle string

//go:embed page/script.js
var pageScript string

// view is what the page's template is given.
type view struct {
	Label, About, Answer string
	Trade                *tradeView
	Groups               []groupView
	Latency              *latencyView
	Data                 any
	Style                template.CSS
	Script               template.JS
}

// tradeView is the first chart.
type tradeView struct {
	Operation, Words string
	Wide, Narrow     template.HTML
}

type groupView struct {
	catalog.Group
	Range  string
	Panels []panelView
	Table  tableView
}

type panelView struct {
	Title, Words string
	Chart        template.HTML
}

// tableView has strategies down, because a phone is narrow.
type tableView struct {
	Columns []string
	Rows    []tableRow
	Notes   []template.HTML
}

type tableRow struct {
	Name  string
	Cells []template.HTML
}

// html is results/<label>/index.html. peers is a run of make peers, whose libraries go into the
// matrix of a run that has none, or nil; tests are the properties' tests.
func (r *run) html(peers *run, tests map[string]test) ([]byte, error) {
	parsed, err := template.New("index.html").Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	v := view{
		Label: r.Label, About: r.about(), Answer: r.answer(),
		Latency: r.latencyView(), Data: r.data(peers, tests), Style: template.CSS(pageStyle), Script: template.JS(pageScript),
	}
	if points, a := r.points(); len(points) > 0 {
		v.Trade = &tradeView{answered, wordsOf(answered), inline(r.trade(points, a, 720, 400)), inline(r.trade(points, a, 340, 400))}
	}
	for _, group := range catalog.Groups {
		if g := r.group(group); len(g.Panels) > 0 {
			v.Groups = append(v.Groups, g)
		}
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, v)
	return out.Bytes(), err
}

func wordsOf(operation string) string {
	for _, group := range catalog.Groups {
		for _, o := range group.Operations {
			if o.Name == operation {
				return o.Words
			}
		}
	}
	return ""
}

// inline is a chart for the page, whose style sheet turns the texts.
func inline(chart string) template.HTML {
	return template.HTML(strings.ReplaceAll(chart, ` transform="scale(1, -1)"`, ""))
}

func (r *run) trade(points []point, a axis, width, height float64) string {
	said := make([]string, len(points))
	for i, p := range points {
		said[i] = fmt.Sprintf("%s %.0f %%, %s", p.name, p.held, p.text)
	}
	return svg(vg.Length(width), vg.Length(height), 1, fmt.Sprintf("Properties held, and %s of %s as a ratio to the floor: %s.", a.what, answered, strings.Join(said, "; ")),
		trade("", points, a))
}

func (r *run) group(g catalog.Group) groupView {
	v := groupView{Group: g, Table: r.tableOf(g)}
	var least, most dot
	var where row
	var what string
	for _, operation := range g.Operations {
		lang, rows := r.rowsOf(operation.Name)
		for _, row := range rows {
			dots, a := r.dots(lang, row)
			if len(dots) == 0 {
				continue
			}
			chart := svg(panelWidth, vg.Length(panelHeight(len(dots))), 1, describe(r.title(row), a, dots), dotPlot("", dots, a))
			v.Panels = append(v.Panels, panelView{r.title(row), operation.Words + fromGo(lang), inline(chart)})
			if lo, hi, ok := r.extremes(dots); ok && a.floor && (where.name == "" || hi.value/lo.value > most.value/least.value) {
				least, most, where, what = lo, hi, row, a.what
			}
		}
	}
	if where.name != "" {
		v.Range = fmt.Sprintf("Strategies are furthest apart in %s: from %s (%s) to %s (%s) the floor's %s.",
			r.title(where), times(least.value), least.name, times(most.value), most.name, what)
	}
	return v
}

func fromGo(lang string) string {
	if lang == "go" {
		return " (from Go)"
	}
	return ""
}

// extremes of the strategies: a library's wrappers are not of the same objects.
func (r *run) extremes(dots []dot) (lo, hi dot, ok bool) {
	strategies := r.subjectsOf("strategy")
	dots = slices.DeleteFunc(slices.Clone(dots), func(d dot) bool { return !slices.Contains(strategies, d.name) })
	if len(dots) == 0 {
		return lo, hi, false
	}
	byValue := func(a, b dot) int { return cmp.Compare(a.value, b.value) }
	lo, hi = slices.MinFunc(dots, byValue), slices.MaxFunc(dots, byValue)
	return lo, hi, lo.value > 0
}

// tableOf is the table of a group: what its charts show. report.md has the operations from Go, too.
func (r *run) tableOf(g catalog.Group) tableView {
	type column struct {
		lang string
		row
	}
	var columns []column
	var t tableView
	for _, operation := range g.Operations {
		lang, rows := r.rowsOf(operation.Name)
		for _, row := range rows {
			columns = append(columns, column{lang, row})
			t.Columns = append(t.Columns, r.title(row)+fromGo(lang))
		}
	}
	var notes footnotes
	used := map[string]bool{}
	for _, strategy := range r.Strategies {
		line := tableRow{Name: strategy}
		for _, c := range columns {
			lang := c.lang
			if lang == "py" {
				lang = r.langOf(strategy)
			}
			line.Cells = append(line.Cells, fromMarkdown(r.line(lang, c.row, []string{strategy}, &notes, used)[0]))
		}
		t.Rows = append(t.Rows, line)
	}
	for _, m := range marks {
		if used[m.mark] {
			t.Notes = append(t.Notes, template.HTML(m.mark+" "+m.meaning))
		}
	}
	for i, text := range notes.texts {
		t.Notes = append(t.Notes, template.HTML(fmt.Sprintf("<sup>%d</sup> %s", i+1, template.HTMLEscapeString(unescape.Replace(text)))))
	}
	return t
}

var (
	emphasis = regexp.MustCompile(`\*([^*]+)\*`)
	unescape = strings.NewReplacer(`\|`, "|", `\_`, "_", `\*`, "*", "&lt;", "<")
)

// fromMarkdown is a cell of a report's table as HTML.
func fromMarkdown(cell string) template.HTML {
	inner, bold := strings.CutPrefix(cell, "**")
	if bold {
		inner = strings.TrimSuffix(inner, "**")
	}
	text := emphasis.ReplaceAllString(inner, `<i>$1</i>`)
	if bold {
		text = "<b>" + text + "</b>"
	}
	return template.HTML(text)
}
