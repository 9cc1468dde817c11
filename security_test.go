package ciobridge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestNoWayRoundTheRules reads the code of the product for what must not stand in it: TLS that is not verified,
// profiles over HTTP, servers that anybody can add handlers to, other programs, and the environment's proxy.
func TestNoWayRoundTheRules(t *testing.T) {
	forbidden := []string{
		"tls.InsecureSkipVerify", "http.DefaultServeMux", "http.Handle", "http.HandleFunc", "http.ListenAndServe",
		"http.DefaultClient",
		"http.Get", "http.Post", "http.ProxyFromEnvironment", "exec.Command", "exec.CommandContext",
	}
	imports := []string{"net/http/pprof", "expvar", "plugin"}
	files := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{"bench", "deploy", ".git", "internal/containertest", "internal/chromiumtest"},
				path) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, i := range file.Imports {
			if name, _ := strconv.Unquote(i.Path.Value); slices.Contains(imports, name) {
				t.Errorf("%s imports %s", positions.Position(i.Pos()), name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if p, ok := n.X.(*ast.Ident); ok && slices.Contains(forbidden, p.Name+"."+n.Sel.Name) {
					t.Errorf("%s uses %s.%s", positions.Position(n.Pos()), p.Name, n.Sel.Name)
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "InsecureSkipVerify" {
					t.Errorf("%s sets InsecureSkipVerify", positions.Position(n.Pos()))
				}
			}
			return true
		})
		return nil
	})
	if err != nil || files < 100 {
		t.Errorf("read %d files of the product: %v", files, err)
	}
}
