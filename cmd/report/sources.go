package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// test is a property's test: one function in matrix/lifetimes/properties.
type test struct {
	File    string
	Line    int
	Promise string // its docstring, as the matrix records it
	Source  string // without the docstring
}

var (
	marked    = regexp.MustCompile(`(?m)^@prop\(\s*"([^"]+)"`)
	docstring = regexp.MustCompile(`(?s)    """(.*?)"""\n`)
)

// propertyTests reads the tests of a folder, by property. A folder that is not there has none.
func propertyTests(folder string) (map[string]test, error) {
	files, err := filepath.Glob(filepath.Join(folder, "test_*.py"))
	if err != nil {
		return nil, err
	}
	tests := map[string]test{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, at := range marked.FindAllSubmatchIndex(text, -1) {
			source := function(strings.Split(string(text[at[0]:]), "\n"))
			var promise string
			if d := docstring.FindStringSubmatch(source); d != nil {
				promise, source = strings.Join(strings.Fields(d[1]), " "), strings.Replace(source, d[0], "", 1)
			}
			line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
			tests[string(text[at[2]:at[3]])] = test{filepath.Base(file), line, promise, source}
		}
	}
	return tests, nil
}

// function is the text of a Python function that begins, with its decorators, at the first line:
// it ends where the next line without indentation belongs neither to its head nor to a string.
func function(lines []string) string {
	end, body, text := 0, false, false
	for i, line := range lines {
		indented := strings.HasPrefix(line, " ") || text
		text = text != (strings.Count(line, `"""`)%2 == 1)
		if body && line != "" && !indented {
			break
		}
		if strings.HasPrefix(line, "def ") {
			body = true
		}
		if line != "" {
			end = i + 1
		}
	}
	return strings.Join(lines[:end], "\n")
}
