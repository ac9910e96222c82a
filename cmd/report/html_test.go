package main

import (
	"html"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gonum.org/v1/plot"

	"pyobject-preservation/bench/catalog"
)

const propertiesHere = "../../" + properties

func tests(t *testing.T) map[string]test {
	t.Helper()
	found, err := propertyTests(propertiesHere)
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return found
}

func page(t *testing.T, r, peers *run) string {
	t.Helper()
	text, err := r.html(peers, tests(t))
	require.NoError(t, err)
	return string(text)
}

func TestPageNeedsNoNetwork(t *testing.T) {
	outside := regexp.MustCompile(`(src|href|action)="(https?:)?//|@import|url\(|fetch\(|XMLHttp|import\(`)
	assert.Empty(t, outside.FindAllString(page(t, demo(t), peersDemo(t)), -1))
}

func TestPageShowsPauses(t *testing.T) {
	assert.Contains(t, page(t, demo(t), nil), `<th scope="row">preserve</th><td>102 µs, 309 µs, 1.2 ms</td><td>410 µs, 2.6 ms, 4.8 ms<br><i>own 2.5 ms, GIL 4.2 ms</i></td>`)
}

func TestRequirementsNameProperties(t *testing.T) {
	known := tests(t)
	for _, r := range requirements {
		for _, id := range append(slices.Clone(r.Holds), r.Breaks...) {
			assert.Contains(t, known, id, r.Label)
		}
		assert.True(t, r.GIL || len(r.Holds)+len(r.Breaks) > 0, "%s requires nothing", r.Label)
	}
}

func TestFamiliesAreThoseOfTheProperties(t *testing.T) {
	var have, listed []string
	for id := range tests(t) {
		have = append(have, familyOf.FindString(id))
	}
	for _, f := range families {
		listed = append(listed, f.ID)
	}
	slices.Sort(have)
	slices.Sort(listed)
	assert.Equal(t, slices.Compact(have), listed)
}

func TestSourceIsThatOfTheRecordedPromise(t *testing.T) {
	known := tests(t)
	w4 := known["W4"]
	assert.Regexp(t, `^@prop\("W4"`, w4.Source)
	assert.Equal(t, 1, strings.Count(w4.Source, "\ndef "), "one function")
	assert.Contains(t, known["G10"].Source, "@", "decorators belong to it")

	r := demo(t)
	r.Matrix.Properties[2].Promise = "A wrapper that native code holds and only a garbage cycle refers to keeps its weak references."
	shown := r.data(nil, known).Properties
	assert.Equal(t, w4.Source, shown[2].Source)
	assert.Empty(t, shown[1].Source, "S1's test promises something else than the run has recorded")
	assert.Len(t, known, strings.Count(sources(t), "\n@prop("), "every test is found")
	for id, one := range known {
		assert.NotEmpty(t, one.Promise, id)
		assert.NotContains(t, one.Source, `"""`+one.Promise, id)
	}
}

func sources(t *testing.T) (all string) {
	files, err := filepath.Glob(propertiesHere + "/*.py")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all += string(text)
	}
	return all
}

func TestFolderWithoutTestsHasNone(t *testing.T) {
	none, err := propertyTests(t.TempDir())
	require.NoError(t, err)
	assert.Empty(t, none)
}

func TestLibrariesOfAnotherRunStandBesideStrategies(t *testing.T) {
	d := demo(t).data(peersDemo(t), nil)
	var names []string
	for _, s := range d.Subjects {
		names = append(names, s.Name)
		require.Len(t, s.Cells, len(d.Properties))
	}
	assert.Equal(t, []string{"naive", "preserve", "shelf", "lonely"}, names)
	shelf := d.Subjects[2]
	assert.Equal(t, notRecorded, d.Verdicts[shelf.Cells[1][0]].Name, "S1 was not run for libraries")
	assert.Equal(t, "crashed", d.Verdicts[peersDemo(t).data(nil, nil).Subjects[1].Cells[1][0]].Name)
	assert.Equal(t, "peers", d.Libraries)
	assert.Empty(t, peersDemo(t).data(nil, nil).Libraries)
}

func TestOutcomeThatIsNotAsDeclaredSaysWhatWas(t *testing.T) {
	d := demo(t).data(nil, nil)
	x1 := d.Subjects[0].Cells[3]
	require.Len(t, x1, 3)
	assert.Equal(t, "holds", d.Reasons[x1[2]])
}

func TestEveryVerdictHasAMark(t *testing.T) {
	for name := range maps.Keys(verdicts) {
		assert.NotEqual(t, -1, verdictIndex(name), name)
	}
}

func TestInstructionsAreComparedWhereTheyWereCounted(t *testing.T) {
	dots, a := demo(t).dots("py", row{"WrapLive", seconds})
	require.Len(t, dots, 2)
	assert.Equal(t, []string{"3.36×†‡", "1.17×"}, []string{dots[0].text, dots[1].text})
	assert.Greater(t, dots[1].value, dots[1].hi, "the line is the time's, which is less")
	assert.Equal(t, "instructions", a.what)
	_, a = demo(t).dots("py", row{"WrapDead", seconds})
	assert.Equal(t, "time", a.what, "naive's were not counted, and it is compared with the others all the same")
	dots, a = demo(t).dots("py", row{"Call", seconds})
	require.Len(t, dots, 1)
	assert.Equal(t, "1.02×", dots[0].text)
	assert.Equal(t, "time, as a ratio to the floor", a.label())
}

func TestDotShowsWhatIsLost(t *testing.T) {
	dots, a := demo(t).dots("go", row{"WrapDead", seconds})
	require.Len(t, dots, 2)
	assert.Equal(t, []role{lost, kept}, []role{dots[0].role, dots[1].role})
	assert.True(t, a.floor)
	assert.Less(t, dots[0].lo, dots[0].value)
	_, a = demo(t).dots("go", row{"Tree", seconds})
	assert.False(t, a.floor, "the floor has no Tree")
}

func TestLibrarysDotIsOfItsOwnProcess(t *testing.T) {
	dots, _ := peersDemo(t).dots("py", row{"WrapLive", seconds})
	at := slices.IndexFunc(dots, func(d dot) bool { return d.name == "shelf" })
	require.NotEqual(t, -1, at)
	assert.Equal(t, "2.48×", strings.TrimRight(dots[at].text, "†‡"))
}

// TestChartsHaveClassesOnly: a change of the library's output would leave colors behind.
func TestChartsHaveClassesOnly(t *testing.T) {
	charts := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page(t, demo(t), nil), -1)
	require.NotEmpty(t, charts)
	for _, chart := range append(charts, slices.Collect(maps.Values(demo(t).pictures()))...) {
		assert.NotRegexp(t, `style="|fill="#|font-family=`, chart)
		for _, class := range regexp.MustCompile(`class="(?:line-)?([^"]*)"`).FindAllStringSubmatch(chart, -1) {
			assert.Contains(t, roleNames, class[1])
			assert.Contains(t, pageStyle, "--"+class[1]+": light-dark(")
		}
		assert.Regexp(t, `role="img" .*aria-label="[^"]*(preserve|naive)`, chart)
	}
}

func TestPictureHasItsOwnColors(t *testing.T) {
	pictures := demo(t).pictures()
	require.Len(t, pictures, 2, "README shows two")
	for name, picture := range pictures {
		assert.NotContains(t, picture, "var(", name)
		assert.Contains(t, picture, "prefers-color-scheme: dark", name)
		assert.Regexp(t, `\.kept \{ fill: #[0-9a-f]{6} \}`, picture, name)
	}
	assert.Empty(t, peersDemo(t).pictures(), "README has none of libraries")
	folder := t.TempDir()
	require.NoError(t, demo(t).writePictures(folder))
	for _, m := range regexp.MustCompile(`!\[.*\]\((.*)\)`).FindAllStringSubmatch(demo(t).short(), -1) {
		assert.FileExists(t, filepath.Join(folder, m[1]))
	}
}

func TestScaleIsLogarithmicWhereValuesAreFarApart(t *testing.T) {
	far := []dot{{value: 1, lo: 1, hi: 1}, {value: 20, lo: 20, hi: 20}}
	near := []dot{{value: 1, lo: 1, hi: 1}, {value: 1.2, lo: 1.2, hi: 1.2}}
	logarithmic := func(dots []dot) bool {
		p := newPlot("", axis{tick: times})
		scale(p, dots, axis{tick: times, floor: true})
		return p.X.Scale == plot.Normalizer(plot.LogScale{})
	}
	assert.True(t, logarithmic(far))
	assert.False(t, logarithmic(near))
	assert.Equal(t, []float64{1, 2, 5, 10, 20}, steps(1, 22, 1, 2, 5))
}

func TestAnswerComparesKeepersWithTheOthers(t *testing.T) {
	assert.Regexp(t, `^1 of 2 strategies keep the wrapper, .*: preserve\. They hold 75 % of the properties, .* they hold 0 % of the properties, and the same wrap costs 3.70×.$`, demo(t).answer())
	r := demo(t)
	r.Matrix = nil
	assert.Empty(t, r.answer())
	assert.Equal(t, 1, strings.Count(page(t, r, nil), "</html>"), "a run without a matrix has a page")
}

func TestGroupsAreShownInTheCatalogsOrder(t *testing.T) {
	r := demo(t)
	var expected, shown []string
	for _, group := range catalog.Groups {
		for _, operation := range group.Operations {
			if _, rows := r.rowsOf(operation.Name); len(rows) > 0 && !slices.Contains(expected, group.Analysis) {
				expected = append(expected, group.Analysis)
			}
		}
	}
	for _, m := range regexp.MustCompile(`class="analysis">([^.]*\.)`).FindAllStringSubmatch(page(t, r, nil), -1) {
		shown = append(shown, html.UnescapeString(m[1]))
	}
	assert.NotEmpty(t, expected)
	assert.Equal(t, expected, shown)
}

func TestStrategysLinkLeadsToItsFolder(t *testing.T) {
	label, err := newest("../../results", false)
	require.NoError(t, err)
	r, err := load(filepath.Join("../../results", label))
	require.NoError(t, err)
	for _, name := range r.subjectsOf("strategy") {
		assert.FileExists(t, filepath.Join("../..", name, "doc.go"))
	}
	text, err := r.html(nil, tests(t))
	require.NoError(t, err)
	assert.Less(t, len(text), 400_000, "bytes of the newest run's page: a run's files are below 1 MB together")
}
