package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// test is a property's test: one function in matrix/properties.
type test struct {
	File   string
	Line   int
	Source string
}

var (
	marked    = regexp.MustCompile(`^@prop\("([^"]+)"`)
	docstring = regexp.MustCompile(`(?s)"""(.*?)"""`)
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
				tests[m[1]] = test{filepath.Base(file), i + 1, function(lines[i:])}
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

// promises reports whether a test's docstring is the promise that a run has recorded. If it is not,
// the test has changed since.
func (t test) promises(promise string) bool {
	m := docstring.FindStringSubmatch(t.Source)
	return m != nil && strings.Join(strings.Fields(m[1]), " ") == promise
}
