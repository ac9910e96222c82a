package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

//go:embed facts.py
var factsProgram string

// environment is what scripts/with_python.sh gives a session.
type environment struct {
	root   string // of the checkout
	tag    string // the interpreter's folder below .build
	python string // of the virtual environment
}

func readEnvironment() (environment, error) {
	e := environment{os.Getenv("PP_ROOT"), os.Getenv("PP_TAG"), os.Getenv("PP_PYTHON")}
	if e.root == "" || e.tag == "" || e.python == "" {
		return e, fmt.Errorf("run this by make: it needs the environment that scripts/setup.sh makes")
	}
	return e, os.Chdir(e.root)
}

// build is a path below the interpreter's folder.
func (e environment) build(name string) string { return e.root + "/.build/" + e.tag + "/" + name }

// facts is what Python says of itself and of the suite.
type facts struct {
	Version, Short, Configuration string
	FreeThreaded                  bool `json:"free_threaded"`
	// Base is the interpreter that the virtual environment was made with.
	Base                  string
	Strategies, Libraries []string
	Requirements          struct{ PyPI, Debian map[string][]string } // by library
	Missing               map[string]string                          // why a library asked about is not available
}

func (e environment) facts(ctx context.Context, libraries ...string) (facts, error) {
	var f facts
	said := &tail{}
	text, err := command{argv: append([]string{e.python, "-c", factsProgram}, libraries...), out: said}.output(ctx)
	if err != nil {
		return f, fmt.Errorf("%w\n%s", err, said.last(5))
	}
	return f, json.Unmarshal([]byte(text), &f)
}

// words splits what a user gave: names with blanks or commas between.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
}

// known checks the names in a variable of the user's.
func known(what, text string, there []string) ([]string, error) {
	names := words(text)
	for _, name := range names {
		if !slices.Contains(there, name) {
			return nil, fmt.Errorf("no %s is called %q; there are %s", what, name, strings.Join(there, ", "))
		}
	}
	return names, nil
}
