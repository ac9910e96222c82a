package wrapper_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var foreignInclude = regexp.MustCompile(`(?m)^\s*#include "((?:\.\./)+[\w/]*)/\w+\.h"`)

// Go's build cache does not see headers of other folders. Without the imports
// that this asks for, a change of wrapper.h would leave strategies compiled
// against the old one, and crash.
func TestPackagesImportTheHeadersTheyInclude(t *testing.T) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Imports,CgoFiles,CFiles,HFiles", "../../...")
	out, err := cmd.Output()
	require.NoError(t, err)
	checked := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p struct {
			ImportPath, Dir                   string
			Imports, CgoFiles, CFiles, HFiles []string
		}
		require.NoError(t, d.Decode(&p))
		for _, file := range slices.Concat(p.CgoFiles, p.CFiles, p.HFiles) {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			require.NoError(t, err)
			for _, m := range foreignInclude.FindAllStringSubmatch(string(text), -1) {
				checked++
				of := path.Join(p.ImportPath, m[1])
				need := []string{of}
				if of != "pyobject-preservation/internal/cpython" { // all others include its header, and wrapper.h
					need = append(need, "pyobject-preservation/internal/cpython", "pyobject-preservation/internal/wrapper")
				}
				for _, imported := range need {
					if imported == p.ImportPath {
						continue
					}
					require.Contains(t, p.Imports, imported, "%s includes a header of %s", p.ImportPath, of)
				}
			}
		}
	}
	require.Greater(t, checked, 5)
}
