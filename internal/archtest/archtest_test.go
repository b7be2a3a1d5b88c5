// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// module is this module's path and the prefix of its packages.
const module = "introspection"

// allowed lists, for each package, the packages of ours that it may import. A package that isn't listed fails the test: a new one
// needs a line here and a sentence in ARCHITECTURE.md.
var allowed = map[string][]string{
	"datasets":             {"datasets/matlab", "internal/pickle"},
	"datasets/matlab":      {},
	"datasets/fashion":     {"datasets"},
	"idml/resnet":          {},
	"idml/weights":         {"internal/pickle", "internal/fetch"},
	"idml/retrieval":       {},
	"idml/classify":        {"idml/retrieval"},
	"idml/uncertainty":     {},
	"idml/runlog":          {"internal/wholefile", "idml/uncertainty"},
	"idml/backend":         {"internal/fetch"},
	"idml":                 {"idml/resnet", "idml/weights", "idml/retrieval", "idml/classify", "idml/runlog"},
	"plots":                {"idml/runlog", "idml/uncertainty"},
	"experiment":           {"datasets", "idml", "idml/resnet", "idml/retrieval", "idml/classify", "idml/uncertainty", "idml/runlog", "idml/weights", "plots", "internal/plane", "internal/wholefile"},
	"bench/cost":           {"*"},
	"cmd/idml":             {"*"},
	"notebooks":            {"*"},
	"notebooks/nb":         {"*"},
	"internal/backendtest": {"idml/backend"},
	"internal/archtest":    {},
	"internal/fetch":       {"internal/wholefile"},
	"internal/wholefile":   {},
	"internal/pickle":      {},
	"internal/kernel":      {},
	"internal/plane":       {},
	"internal/sampletree":  {},
}

// forbidden lists prefixes of other modules' packages that a package must not import.
var forbidden = map[string][]string{
	"idml/weights":     {"github.com/gomlx/"},
	"idml/classify":    {"github.com/gomlx/"},
	"idml/uncertainty": {"github.com/gomlx/"},
	"idml/runlog":      {"github.com/gomlx/"},
	"plots":            {"github.com/gomlx/"},
}

// mostLines is the length of a file above which it holds more than one concept.
const mostLines = 500

// source is a Go file outside of tests or in them.
type source struct {
	name   string // slash-separated, from the module's root
	text   []byte
	parsed *ast.File
}

func (s source) pkg() string  { return path.Dir(s.name) }
func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

// sources parses all Go files of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); file != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tools" || name == "runs") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ParseComments)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		found = append(found, source{filepath.ToSlash(name), text, parsed})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 50 {
		t.Fatalf("only %d Go files found", len(found))
	}
	return found
}

// imports returns the paths that a file imports.
func imports(t *testing.T, s source) []string {
	t.Helper()
	var paths []string
	for _, spec := range s.parsed.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

// fault returns what is wrong with an import by a package, or "".
func fault(pkg, imported string) string {
	if strings.HasPrefix(imported, "github.com/gomlx/go-xla") && pkg != "idml/backend" {
		return "only idml/backend imports go-xla"
	}
	for _, prefix := range forbidden[pkg] {
		if strings.HasPrefix(imported, prefix) {
			return "it must not know " + prefix
		}
	}
	ours, ok := strings.CutPrefix(imported, module+"/")
	if !ok {
		return ""
	}
	list, known := allowed[pkg]
	switch {
	case !known:
		return "the package is not listed in archtest"
	case !slices.Contains(list, ours) && !slices.Contains(list, "*"):
		return "not one of the imports that ARCHITECTURE.md allows"
	}
	return ""
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		if _, known := allowed[s.pkg()]; !known {
			t.Errorf("%s: package %s is not listed in archtest: add it there and to ARCHITECTURE.md", s.name, s.pkg())
			continue
		}
		for _, p := range imports(t, s) {
			if s.isTest() && strings.HasPrefix(p, module+"/") { // tests may import siblings
				continue
			}
			if why := fault(s.pkg(), p); why != "" {
				t.Errorf("%s imports %s: %s", s.name, p, why)
			}
		}
	}
}

func TestFault(t *testing.T) {
	for _, test := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"idml", "introspection/idml/runlog", true},
		{"idml", "introspection/datasets", false},
		{"idml", "github.com/gomlx/gomlx/core/graph", true},
		{"idml", "github.com/gomlx/go-xla/compute/xla", false},
		{"idml/backend", "github.com/gomlx/go-xla/compute/xla", true},
		{"plots", "github.com/gomlx/gomlx/core/graph", false},
		{"idml/classify", "github.com/gomlx/gomlx/core/graph", false},
		{"plots", "introspection/idml/runlog", true},
		{"cmd/idml", "introspection/experiment", true},
		{"unknown", "introspection/idml", false},
	} {
		if why := fault(test.pkg, test.imported); (why == "") != test.ok {
			t.Errorf("%s imports %s: %q", test.pkg, test.imported, why)
		}
	}
}

func TestFiles(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if !bytes.HasPrefix(s.text, []byte("// SPDX-License-Identifier: Apache-2.0\n")) {
			t.Errorf("%s doesn't begin with its license", s.name)
		}
		if n := bytes.Count(s.text, []byte("\n")); n > mostLines {
			t.Errorf("%s has %d lines, at most %d: split it by concept", s.name, n, mostLines)
		}
		if !s.isTest() {
			documented[s.pkg()] = documented[s.pkg()] || s.parsed.Doc != nil
		}
	}
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no comment", pkg)
		}
	}
}
