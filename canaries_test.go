package ciobridge_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// stages are the folders through which events pass, and what is made of them, or where their tests stand. Their logs
// and metrics must show nothing personal.
var stages = []string{
	"app", "consumer", "content", "deadletter", "delivery", "delivery/landing_test.go", "delivery/requests_test.go",
	"erasure", "internal/backfill_test.go", "ledger", "pipeline", "report", "source", "webhook",
}

// unsearched are files of tests in which a log or a registry is not searched.
var unsearched = map[string]string{
	"ledger/harness_test.go":    "it is the log of a connection, also in a process that is killed",
	"ledger/kill_test.go":       "it is a process that is killed, and no test",
	"pipeline/ackorder_test.go": "it runs thousands of bridges, each for some microseconds",
}

// TestLogsOfStagesAreSearched: what tests of the stages log and count goes through internal/canarytest, and their
// events have something that it would find.
func TestLogsOfStagesAreSearched(t *testing.T) {
	bare := []string{"zap.NewNop", "zap.New", "zap.NewExample", "zaptest.NewLogger", "prometheus.NewRegistry"}
	for _, stage := range stages {
		has := false
		err := filepath.WalkDir(stage, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") && !strings.Contains(path, "test/") ||
				!strings.HasSuffix(path, ".go") {
				return err
			}
			positions := token.NewFileSet()
			file, err := parser.ParseFile(positions, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			used := false
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl: // a benchmark measures, and an example is read
					return !strings.HasPrefix(n.Name.Name, "Benchmark") && !strings.HasPrefix(n.Name.Name, "Example")
				case *ast.BasicLit:
					_, found := canarytest.Shows(n.Value)
					has = has || found && n.Value != `"github.com/ciobridge/ciobridge/internal/canarytest"`
				case *ast.CallExpr:
					return nameOf(n.Fun) != "canarytest.Logger"
				case *ast.SelectorExpr:
					name := nameOf(n)
					has = has || slices.Contains([]string{"canarytest.Person", "canarytest.Email"}, name)
					if slices.Contains(bare, name) {
						if used = true; unsearched[filepath.ToSlash(path)] == "" {
							t.Errorf("%s: %s is not searched for canaries: take canarytest.Logger or Registry",
								positions.Position(n.Pos()), name)
						}
					}
				}
				return true
			})
			if unsearched[filepath.ToSlash(path)] != "" && !used {
				t.Errorf("%s is among the unsearched and need not be", path)
			}
			return nil
		})
		if err != nil || !has {
			t.Errorf("%s: the tests have a canary: %t; %v", stage, has, err)
		}
	}
}

// nameOf is package.Name, where an expression is one.
func nameOf(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if p, ok := s.X.(*ast.Ident); ok {
			return p.Name + "." + s.Sel.Name
		}
	}
	return ""
}
