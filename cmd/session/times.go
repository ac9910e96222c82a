package main

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// times is what steps took the last time on this machine, in seconds. It is kept for all
// checkouts of the suite in the user's cache folder.
type times struct {
	file    string // "" if there is no such folder
	seconds map[string]float64
}

func readTimes() *times {
	t := &times{seconds: map[string]float64{}}
	folder, err := os.UserCacheDir()
	if err != nil {
		return t
	}
	t.file = filepath.Join(folder, "pyobject-preservation", "times.json")
	text, err := os.ReadFile(t.file)
	if err == nil {
		err = json.Unmarshal(text, &t.seconds)
	}
	if err != nil || t.seconds == nil { // not there, or not ours: as the first time
		t.seconds = map[string]float64{}
	}
	return t
}

// took notes what a step took. A file that cannot be written costs the estimates only.
func (t *times) took(key string, seconds float64) {
	t.seconds[key] = seconds
	if t.file == "" {
		return
	}
	text, err := json.MarshalIndent(t.seconds, "", " ")
	if err != nil {
		return
	}
	if os.MkdirAll(filepath.Dir(t.file), 0o755) != nil {
		return
	}
	part, err := os.CreateTemp(filepath.Dir(t.file), "times-*")
	if err != nil {
		return
	}
	_, err = part.Write(text)
	if part.Close() == nil && err == nil && os.Rename(part.Name(), t.file) == nil {
		return
	}
	os.Remove(part.Name())
}
