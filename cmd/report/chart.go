package main

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"image/color"
	"math"
	"regexp"
	"slices"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Charts are drawn when the report is made, by gonum's plot: one library for the page and for
// README's files, and a reader needs no script to see them. A plotting library in the page would
// need a browser to make README's.
//
// plot knows colors only. What it draws has a role for a color, and svg replaces that by a class,
// so that the style sheet decides about light and dark.

// role is the meaning of something drawn. The names are the classes, and the style sheet has
// a custom property for each.
type role uint8

const (
	ink   role = iota + 1
	muted      // labels of axes
	grid
	origin // the floor
	kept   // keeps all of a wrapper
	lost   // loses something
	other  // a reference
)

var roleNames = [...]string{ink: "ink", muted: "muted", grid: "grid", origin: "origin", kept: "kept", lost: "lost", other: "other"}

func (r role) RGBA() (red, green, blue, alpha uint32) {
	return color.RGBA{B: uint8(r), A: 255}.RGBA()
}

var (
	strokeStyle = regexp.MustCompile(`style="fill:none;stroke:#00000([0-9])(?:;stroke-width:([0-9.]+))?"`)
	fillStyle   = regexp.MustCompile(`style="fill:#00000([0-9])"`)
	textStyle   = regexp.MustCompile(`\s+style="font-family:[^"]*?font-weight:(\w+);font-style:normal;font-size:([0-9.]+)px;fill:#00000([0-9])"`)
	svgHead     = regexp.MustCompile(`(?s)^.*?<svg width="([0-9.]+)pt" height="([0-9.]+)pt" viewBox="([^"]*)".*?>`)
)

// dot is a value and an interval, which is not always around it; lo and hi are the value where there is none.
type dot struct {
	name, text    string
	value, lo, hi float64
	role          role
}

func newDot(name, text string, r ratio) dot {
	d := dot{name: name, text: text, value: r.center, lo: r.center, hi: r.center}
	if r.interval {
		d.lo, d.hi = r.lo, r.hi
	}
	return d
}

// axis is how values are shown.
type axis struct {
	what    string // is measured
	tick    func(float64) string
	floor   bool // values are ratios to the floor, which is a line at 1
	counted bool // dots are ratios of instructions, intervals of time
}

// label has to be shorter than the axis.
func (a axis) label() string {
	switch {
	case a.counted:
		return "dot: instructions, line: time"
	case a.floor:
		return a.what + ", as a ratio to the floor"
	}
	return a.what
}

const (
	fontSize     = 11
	panelWidth   = 350
	rowHeight    = 15
	panelFrame   = 52 // of a panel's height, what is not rows
	titleHeight  = 18
	pictureWidth = 430
	valuesWidth  = 68
	strokeWidth  = 1.5
	radius       = 3.5 // of a dot
)

func panelHeight(dots int) float64 { return panelFrame + rowHeight*float64(dots) }

// dotPlot has a line for each dot, from the top down: name, dot with interval, value.
func dotPlot(title string, dots []dot, a axis) panel {
	p := newPlot(title, a)
	scale(p, dots, a)
	p.HideY()
	ticks := make(plot.ConstantTicks, len(dots))
	for i := range dots {
		ticks[i].Value = float64(i)
	}
	p.Y.Tick.Marker = ticks
	p.Y.Min, p.Y.Max = -.5, float64(len(dots))-.5
	p.Add(rows(dots))
	var widest vg.Length
	for _, d := range dots {
		widest = max(widest, 1.1*words(text.XRight).Rectangle(d.name).Size().X) // a reader's font may be wider
	}
	return func(c draw.Canvas) {
		inner := draw.Crop(c, widest+6, -valuesWidth, 0, 0)
		p.Draw(inner)
		data := p.DataCanvas(inner)
		_, y := p.Transforms(&data)
		for i, d := range dots {
			at := y(rows(dots).at(i))
			c.FillText(words(text.XRight), vg.Point{X: inner.Min.X - 6, Y: at}, d.name)
			c.FillText(words(text.XRight), vg.Point{X: c.Max.X - 6, Y: at}, d.text)
		}
	}
}

// panel draws a plot.
type panel func(draw.Canvas)

var gridLine = draw.LineStyle{Color: grid, Width: 1}

func newPlot(title string, a axis) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text, p.Title.TextStyle.Color = title, ink
	p.Title.TextStyle.Font = face(fontSize+1, true)
	p.Title.Padding = 4
	p.X.Label.Text, p.X.Label.TextStyle.Color, p.X.Label.TextStyle.Font = a.label(), muted, face(fontSize, false)
	p.Y.Label.TextStyle.Color, p.Y.Label.TextStyle.Font = muted, face(fontSize, false)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle, axis.Tick.Length = gridLine, 0
		axis.Tick.Label.Color, axis.Tick.Label.Font = muted, face(fontSize, false)
	}
	return p
}

func face(size font.Length, bold bool) font.Font {
	f := font.From(plot.DefaultFont, size)
	f.Variant = "Sans"
	if bold {
		f.Weight = xfont.WeightBold
	}
	return f
}

func words(align text.XAlignment) draw.TextStyle {
	return draw.TextStyle{Color: ink, Font: face(fontSize, false), XAlign: align, YAlign: text.YCenter, Handler: plot.DefaultTextHandler}
}

// scale chooses the ends of the X axis: logarithmic where the largest value is several times the
// smallest, and linear otherwise.
func scale(p *plot.Plot, dots []dot, a axis) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, d := range dots {
		lo, hi = min(lo, d.lo, d.value), max(hi, d.hi, d.value)
	}
	if a.floor {
		lo, hi = min(lo, 1), max(hi, 1)
	}
	var at []float64
	if lo > 0 && hi/lo > 3 {
		p.X.Scale = plot.LogScale{}
		lo, hi = lo/1.1, hi*1.1
		room := 4
		if a.floor { // its labels are short
			room = 5
		}
		for _, multiples := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
			if at = steps(lo, hi, multiples...); len(at) <= room {
				break
			}
		}
	} else {
		margin := max((hi-lo)*.08, hi*.02)
		if lo, hi = lo-margin, hi+margin; lo < margin*2 {
			lo = 0
		}
		for _, t := range (plot.DefaultTicks{}).Ticks(lo, hi) {
			if !t.IsMinor() {
				at = append(at, t.Value)
			}
		}
	}
	p.X.Min, p.X.Max = lo, hi
	ticks := make(plot.ConstantTicks, len(at))
	for i, v := range at {
		ticks[i] = plot.Tick{Value: v, Label: a.tick(v)}
	}
	p.X.Tick.Marker = ticks
	p.Add(lines{})
	if a.floor {
		p.Add(mark(1))
	}
}

// steps are multiples of powers of ten.
func steps(lo, hi float64, multiples ...float64) (at []float64) {
	for e := math.Floor(math.Log10(lo)); e <= math.Log10(hi); e++ {
		for _, m := range multiples {
			if v := m * math.Pow(10, e); v >= lo && v <= hi {
				at = append(at, v)
			}
		}
	}
	return at
}

// lines is the grid, as one path.
type lines struct{}

func (l lines) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var path vg.Path
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		path.Move(vg.Point{X: x(t.Value), Y: c.Min.Y})
		path.Line(vg.Point{X: x(t.Value), Y: c.Max.Y})
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		path.Move(vg.Point{X: c.Min.X, Y: y(t.Value)})
		path.Line(vg.Point{X: c.Max.X, Y: y(t.Value)})
	}
	c.SetLineStyle(gridLine)
	c.Stroke(path)
}

// mark is a vertical line.
type mark float64

func (m mark) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	c.StrokeLine2(draw.LineStyle{Color: origin, Width: strokeWidth}, x(float64(m)), c.Min.Y, x(float64(m)), c.Max.Y)
}

// rows draws the dots of a dot plot.
type rows []dot

func (d rows) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, line := range d {
		line.draw(c, x, y(d.at(i)))
	}
}

// at is the place of a row on the Y axis, which grows upwards.
func (d rows) at(i int) float64 { return float64(len(d) - 1 - i) }

// draw has a shape for each role, because some readers do not tell the colors apart. The interval is not
// drawn over the shape, so that a ring is empty.
func (d dot) draw(c draw.Canvas, x func(float64) vg.Length, y vg.Length) {
	at := vg.Point{X: x(d.value), Y: y}
	var interval vg.Path
	for _, end := range []struct{ from, to vg.Length }{{x(d.lo), min(x(d.hi), at.X-radius)}, {max(x(d.lo), at.X+radius), x(d.hi)}} {
		if end.from < end.to {
			interval.Move(vg.Point{X: end.from, Y: y})
			interval.Line(vg.Point{X: end.to, Y: y})
		}
	}
	c.SetLineStyle(draw.LineStyle{Color: d.role, Width: strokeWidth})
	if len(interval) > 0 {
		c.Stroke(interval)
	}
	switch d.role {
	case lost:
		ring := vg.Path{}
		ring.Move(vg.Point{X: at.X + radius, Y: y})
		ring.Arc(at, radius, 0, 2*math.Pi)
		c.Stroke(ring)
	case other:
		c.DrawGlyph(draw.GlyphStyle{Color: other, Radius: radius, Shape: draw.BoxGlyph{}}, at)
	default:
		c.DrawGlyph(draw.GlyphStyle{Color: d.role, Radius: radius, Shape: draw.CircleGlyph{}}, at)
	}
}

// point is a strategy's place in a chart of what it keeps against what it costs.
type point struct {
	dot
	held float64 // percent
}

// trade is a chart of what each strategy keeps against what it costs.
func trade(title string, points []point, a axis) panel {
	p := newPlot(title, a)
	dots := make([]dot, len(points))
	lowest := 100.0
	for i, t := range points {
		dots[i] = t.dot
		lowest = min(lowest, t.held)
	}
	scale(p, dots, a)
	p.Y.Label.Text = "properties held"
	p.Y.Min, p.Y.Max = max(0, math.Floor(lowest/10)*10-5), 102
	ticks := plot.ConstantTicks{}
	for v := math.Ceil(p.Y.Min/10) * 10; v <= 100; v += 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.0f %%", v)})
	}
	p.Y.Tick.Marker, p.Y.Padding, p.X.Padding, p.Y.Tick.Length, p.Y.Tick.LineStyle.Width = ticks, 0, 0, 5, 0
	p.Add(trades(points))
	// Names stand to the right of their dots.
	return func(c draw.Canvas) { p.Draw(draw.Crop(c, 0, -valuesWidth, 0, 0)) }
}

type trades []point

func (t trades) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	sorted := slices.Clone(t)
	slices.SortFunc(sorted, func(a, b point) int { return cmp.Or(-cmp.Compare(a.held, b.held), cmp.Compare(a.value, b.value)) })
	style, leader := words(text.XLeft), draw.LineStyle{Color: muted, Width: .5}
	var taken []vg.Rectangle
	for _, s := range sorted {
		s.draw(c, x, y(s.held))
		at := vg.Point{X: x(s.value), Y: y(s.held)}
		taken = append(taken, vg.Rectangle{Min: at.Sub(vg.Point{X: 4, Y: 4}), Max: at.Add(vg.Point{X: 4, Y: 4})})
	}
	for _, s := range sorted {
		at := vg.Point{X: x(s.value), Y: y(s.held)}
		right := max(x(s.hi), at.X)
		label := vg.Point{X: right + 7, Y: at.Y}
		box := style.Rectangle(s.name)
		for !free(taken, box.Add(label)) {
			label.Y--
			label.X = right + 14
		}
		taken = append(taken, box.Add(label))
		if label.Y != at.Y {
			c.StrokeLine2(leader, at.X, at.Y, label.X-2, label.Y)
		}
		c.FillText(style, label, s.name)
	}
}

func free(taken []vg.Rectangle, box vg.Rectangle) bool {
	return !slices.ContainsFunc(taken, func(t vg.Rectangle) bool {
		return t.Min.X < box.Max.X && box.Min.X < t.Max.X && t.Min.Y < box.Max.Y && box.Min.Y < t.Max.Y
	})
}

// svg draws panels side by side, each of the same size. The picture has no colors: its classes are the roles.
func svg(width, height vg.Length, across int, description string, panels ...panel) string {
	down := (len(panels) + across - 1) / across
	canvas := vgsvg.New(width*vg.Length(across), height*vg.Length(down))
	tiles := draw.Tiles{Cols: across, Rows: down, PadX: 18, PadY: 14}
	for i, p := range panels {
		p(tiles.At(draw.New(canvas), i%across, i/across))
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		panic(err) // a buffer takes everything
	}
	name := func(digit string) string { return roleNames[digit[0]-'0'] }
	s := strokeStyle.ReplaceAllStringFunc(out.String(), func(style string) string {
		m := strokeStyle.FindStringSubmatch(style)
		return fmt.Sprintf(`class="line-%s"`, name(m[1])) + unless(m[2] == fmt.Sprint(strokeWidth), ` stroke-width="`+cmp.Or(m[2], "1")+`"`)
	})
	s = fillStyle.ReplaceAllStringFunc(s, func(style string) string {
		return fmt.Sprintf(`class="%s"`, name(fillStyle.FindStringSubmatch(style)[1]))
	})
	s = textStyle.ReplaceAllStringFunc(s, func(style string) string {
		m := textStyle.FindStringSubmatch(style)
		return unless(name(m[3]) == "ink", ` class="`+name(m[3])+`"`) + unless(m[1] == "normal", ` font-size="`+m[2]+`" font-weight="`+m[1]+`"`)
	})
	return svgHead.ReplaceAllString(s, fmt.Sprintf(
		`<svg xmlns="http://www.w3.org/2000/svg" class="ink" role="img" font-size="%d" stroke-width="%g" aria-label="%s" width="$1" height="$2" viewBox="$3">`,
		fontSize, strokeWidth, html.EscapeString(description)))
}

// unless leaves out what the picture says for all of its elements.
func unless(same bool, attribute string) string {
	if same {
		return ""
	}
	return attribute
}

// describe is what a chart says, for screen readers.
func describe(title string, a axis, dots []dot) string {
	said := make([]string, len(dots))
	for i, d := range dots {
		said[i] = d.name + " " + d.text
	}
	what := a.what
	if a.floor {
		what += " as a ratio to the floor"
	}
	return fmt.Sprintf("%s, %s: %s.", title, what, strings.Join(said, ", "))
}
