package ciobridge_test

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// What the code is held to, so that a file can be read at once, and a folder seen at once. Tests are free of the
// first three.
const (
	mostFiles   = 25  // in a package
	mostLines   = 250 // in a file
	mostInFunc  = 60  // lines of a function
	mostColumns = 120 // a tab counts four; raw strings and what examples print may be longer
)

// TestSizes holds packages, files, functions and lines to their sizes.
func TestSizes(t *testing.T) {
	files := map[string]int{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		lines := checkLines(t, path)
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files[filepath.Dir(path)]++
		if lines > mostLines {
			t.Errorf("%s has %d lines, of at most %d", path, lines, mostLines)
		}
		return checkFunctions(t, path)
	})
	if err != nil {
		t.Fatal(err)
	}
	for folder, n := range files {
		if n > mostFiles {
			t.Errorf("%s has %d files, of at most %d: divide it", folder, n, mostFiles)
		}
	}
}

// checkLines looks at the columns of each line and returns how many lines there are.
func checkLines(t *testing.T, path string) int {
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw := sync.OnceValue(func() map[int]bool { return rawStringLines(source) })
	lines := strings.Split(strings.TrimSuffix(string(source), "\n"), "\n")
	for i, line := range lines {
		columns := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    "))
		if columns > mostColumns && !raw()[i+1] && filepath.Base(path) != "example_test.go" {
			t.Errorf("%s:%d has %d columns, of at most %d", path, i+1, columns, mostColumns)
		}
	}
	return len(lines)
}

// rawStringLines are the numbers of the lines on which a raw string, or a part of one, stands.
func rawStringLines(source []byte) map[int]bool {
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	lines := map[int]bool{}
	for pos, tok, text := s.Scan(); tok != token.EOF; pos, tok, text = s.Scan() {
		if tok == token.STRING && strings.HasPrefix(text, "`") {
			first := file.Line(pos)
			for i := range strings.Count(text, "\n") + 1 {
				lines[first+i] = true
			}
		}
	}
	return lines
}

func checkFunctions(t *testing.T, path string) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > mostInFunc {
				t.Errorf("%s: %s has %d lines, of at most %d", path, f.Name.Name, n, mostInFunc)
			}
		}
	}
	return nil
}
