package ciobridge_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The files that the documents link to exist, and so do the tests that docs/faults.md and docs/security.md name.
func TestDocumentsPointAtWhatExists(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^):#]+)(?:#[^)]*)?\)`)
	for _, name := range []string{"README.md", "SECURITY.md", "docs/faults.md", "docs/security.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for document, least := range map[string]int{"docs/faults.md": 100, "docs/security.md": 60} {
		named, code := testsNamed(t, document), map[string]string{}
		if len(named) < least {
			t.Errorf("%s names only %d tests", document, len(named))
		}
		for _, test := range named {
			if code[test.folder] == "" {
				code[test.folder] = testCode(t, test.folder)
			}
			if !strings.Contains(code[test.folder], "func "+test.name+"(") {
				t.Errorf("%s: %s has no %s", document, test.folder, test.name)
			}
		}
	}
}

// A namedTest is a test as a document names it: the folder, and then the names of its tests in backquotes.
type namedTest struct{ folder, name string }

func testsNamed(t *testing.T, document string) []namedTest {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("(?:([a-z/]+) )?`((?:Test|Fuzz)[A-Z]\\w+)`")
	var named []namedTest
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		folder := ""
		for _, m := range names.FindAllStringSubmatch(cells[len(cells)-1], -1) {
			if m[1] != "" {
				folder = m[1]
			}
			if len(cells) > 1 {
				named = append(named, namedTest{folder, m[2]})
			}
		}
	}
	return named
}

// testCode is the code of a folder's tests.
func testCode(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Errorf("%s has no tests (%v)", folder, err)
	}
	var all strings.Builder
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(code)
	}
	return all.String()
}
