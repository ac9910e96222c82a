package main

import (
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
	marked    = regexp.MustCompile(`^@prop\("([^"]+)"`)
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
		lines := strings.Split(string(text), "\n")
		for i, line := range lines {
			if m := marked.FindStringSubmatch(line); m != nil {
				source := function(lines[i:])
				var promise string
				if d := docstring.FindStringSubmatch(source); d != nil {
					promise, source = strings.Join(strings.Fields(d[1]), " "), strings.Replace(source, d[0], "", 1)
				}
				tests[m[1]] = test{filepath.Base(file), i + 1, promise, source}
			}
		}
	}
	return tests, nil
}

// function is the text of a Python function that begins, with its decorators, at the first line:
// it ends where the next line without indentation does not belong to its head.
func function(lines []string) string {
	end, body := 0, false
	for i, line := range lines {
		indented := strings.HasPrefix(line, " ")
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
