package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"gonum.org/v1/plot/vg"
)

// Pictures are charts in files of their own, for README. A program that shows SVG and is not a browser may not
// know custom properties, so a picture has the colors themselves.

// pictureFolder is beside README.
const pictureFolder = "docs/charts"

// picture is a chart, and what README says of it.
type picture struct{ file, words string }

var (
	answerPicture = picture{"answer.svg", "What each strategy keeps, against what a wrap costs after the wrapper died"}
	costsPicture  = picture{"costs.svg", "What wraps cost, with the wrapper alive and dead"}
)

// pictures of a run that has strategies' benchmarks, by file.
func (r *run) pictures() map[string]string {
	files := map[string]string{}
	if points, a := r.points(); len(points) > 0 && !r.Machine.Peers {
		files[answerPicture.file] = standalone(r.trade(points, a, 720, 380))
		var panels []panel
		var said []string
		height := 0.0
		for _, s := range shown[:2] {
			if dots, a := r.dots("py", row{s.operation, seconds}); len(dots) > 0 {
				panels = append(panels, dotPlot(s.operation+": "+wordsOf(s.operation), dots, a))
				said = append(said, describe(s.operation, a, dots))
				height = max(height, panelHeight(len(dots))+titleHeight)
			}
		}
		files[costsPicture.file] = standalone(svg(pictureWidth, vg.Length(height), 2, strings.Join(said, " "), panels...))
	}
	return files
}

// showPictures is README's Markdown for the pictures.
func (r *run) showPictures() (text string) {
	files := r.pictures()
	for _, p := range []picture{answerPicture, costsPicture} {
		if files[p.file] != "" {
			text += fmt.Sprintf("\n![%s](%s/%s)\n", p.words, pictureFolder, p.file)
		}
	}
	if text != "" {
		text += "\nFilled dots keep the wrapper; hollow ones lose identity (†) or weak references (‡); squares are references.\n"
	}
	return text
}

// writePictures writes the pictures into their folder below root.
func (r *run) writePictures(root string) error {
	folder := filepath.Join(root, pictureFolder)
	for name, text := range r.pictures() {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

var pageColor = regexp.MustCompile(`--(\w+): light-dark\((#\w+), (#\w+)\)`)

var standaloneStyle = template.Must(template.New("").Parse(`<style>
text { font-family: "Liberation Sans", Arial, Helvetica, sans-serif }
{{range .}}.{{.Name}} { fill: {{.Light}} } .line-{{.Name}} { fill: none; stroke: {{.Light}} }
{{end}}@media (prefers-color-scheme: dark) {
{{range .}}.{{.Name}} { fill: {{.Dark}} } .line-{{.Name}} { stroke: {{.Dark}} }
{{end}}}
</style>
`))

func standalone(chart string) string {
	type color struct{ Name, Light, Dark string }
	var colors []color
	for _, m := range pageColor.FindAllStringSubmatch(pageStyle, -1) {
		if strings.Contains(chart, m[1]+`"`) {
			colors = append(colors, color{m[1], m[2], m[3]})
		}
	}
	var style strings.Builder
	if err := standaloneStyle.Execute(&style, colors); err != nil {
		panic(err) // a builder takes everything
	}
	head, body, _ := strings.Cut(chart, ">")
	return head + ">\n" + style.String() + strings.TrimPrefix(body, "\n")
}
