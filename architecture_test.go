package ciobridge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A step of a walk in docs/architecture.md: "1. `folder` `name`: what it does". The name is that of a function, or of a
// type and its method.
var walkStep = regexp.MustCompile("^[0-9]+\\. `([a-z0-9/]+)` `([A-Za-z.]+)`")

const mostSteps = 35

// TestArchitectureNamesWhatExists holds the walks of docs/architecture.md to the code, and to a length that somebody
// reads.
func TestArchitectureNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	walks := map[string]int{}
	functions := map[string]map[string]bool{}
	heading := ""
	for i, line := range strings.Split(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			heading = name
			continue
		}
		step := walkStep.FindStringSubmatch(line)
		if step == nil {
			if len(line) > 1 && line[0] >= '0' && line[0] <= '9' {
				t.Errorf("line %d: %q does not name a folder and a function", i+1, line)
			}
			continue
		}
		walks[heading]++
		folder, name := step[1], step[2]
		if functions[folder] == nil {
			functions[folder] = functionsIn(t, folder)
		}
		if !functions[folder][name] {
			t.Errorf("line %d: %s has no function %s", i+1, folder, name)
		}
	}
	if len(walks) < 3 {
		t.Errorf("walks of %v: want one of Kafka, one of JetStream and one of a replay", walks)
	}
	for heading, n := range walks {
		if n > mostSteps {
			t.Errorf("%s has %d steps, of at most %d", heading, n, mostSteps)
		}
	}
}

// functionsIn lists the functions of a folder's code: a method as Type.Method.
func functionsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(folder), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				found[receiver(f)+f.Name.Name] = true
			}
		}
	}
	return found
}

// receiver is the name of a method's type with a dot, and empty for a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	of := f.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}
