package ciobridge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ciobridge/ciobridge/"

// mayImport says, for each folder, which folders of this module its code may import; packages of one folder may
// always import each other. A new folder needs a row here. A folder within another may have a row of its own, which
// then counts for it and is not among what the outer folder's row allows. Tests are free.
var mayImport = map[string][]string{
	"event":      {},
	"secret":     {},
	"broker":     {"secret", "internal"},
	"customerio": {"secret", "internal"},
	"consumer":   {"event", "broker", "internal"},
	"mapping":    {"event", "customerio", "internal"},
	"content":    {"event", "broker", "secret", "internal"},
	"pipeline":   {"event", "internal"},
	"delivery":   {"event", "customerio"},
	"ledger":     {"event", "broker", "internal"},
	"deadletter": {"event", "broker", "internal"},
	"erasure":    {"event", "secret", "internal"},
	"landing":    {"event", "customerio"},
	"emulator":   {},
	"backfill":   {"event", "consumer", "customerio", "internal"},
	"requests":   {"event", "internal"},
	"tracing":    {"event", "customerio", "secret", "internal"},
	"webhook":    {"broker", "secret", "internal"},
	"report":     {"broker", "customerio", "event", "secret", "internal"},
	"source": {
		"event", "broker", "consumer", "mapping", "pipeline", "deadletter", "erasure", "ledger", "webhook",
		"report", "internal",
	},
	"config": {
		"source", "erasure", "content", "customerio", "mapping", "pipeline", "deadletter", "ledger", "secret",
		"webhook", "report", "internal",
	},
	"app": {
		"source", "config", "consumer", "content", "customerio", "mapping", "pipeline", "delivery", "deadletter",
		"backfill", "erasure", "ledger", "event", "landing", "requests", "tracing", "webhook", "report",
		"internal",
	},
	"cmd": {
		"app", "internal/demo", "event", "customerio", "consumer", "mapping", "deadletter", "ledger", "emulator",
		"backfill", "source", "config", "report",
		"internal",
	},
	"internal": {"event"},
	"internal/demo": {
		"app", "source", "config", "consumer", "event", "deadletter", "emulator", "mapping", "report", "internal",
	},
	"bench":  {},
	"deploy": {},
}

// dependencies are, for folders that import little but the standard library, all else that they import.
var dependencies = map[string][]string{"event": {"github.com/oklog/ulid/v2"}}

// byName are packages with which a program may call any method by its name: the linker then keeps every exported method
// of every type, and the program becomes an eighth larger. The flag --version is not cobra's own for the same reason.
var byName = []string{"text/template", "html/template", "github.com/hamba/avro/v2", "github.com/modern-go/reflect2"}

// TestImports keeps messages flowing in one direction: no stage knows another stage, and only app and what stands
// above it know them all.
func TestImports(t *testing.T) {
	used := map[string]bool{}
	for _, p := range packages(t) {
		folder := folderOf(p.ImportPath)
		allowed, ok := mayImport[folder]
		if !ok {
			t.Errorf("%s: there is no row for %s in the table of imports", p.ImportPath, folder)
			continue
		}
		used[folder] = true
		others, few := dependencies[folder]
		for _, path := range p.Imports {
			switch ours := strings.HasPrefix(path, module); {
			case ours && folderOf(path) != folder && !slices.Contains(allowed, folderOf(path)):
				t.Errorf("%s imports %s: %s may import only %q of this module", p.ImportPath, path, folder, allowed)
			case !ours && few && strings.Contains(strings.Split(path, "/")[0], ".") && !slices.Contains(others, path):
				t.Errorf("%s imports %s: beside the standard library %s may import only %q", p.ImportPath, path,
					folder, others)
			case strings.HasPrefix(path, module+"internal/") && strings.HasSuffix(path, "test") &&
				!strings.HasSuffix(p.ImportPath, "test"):
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, path)
			case slices.Contains(byName, path):
				t.Errorf("%s imports %s, with which the linker leaves out no exported method", p.ImportPath, path)
			}
		}
	}
	for folder := range mayImport {
		if !used[folder] {
			t.Errorf("the table of imports has a row for %s, which has no package", folder)
		}
	}
}

type goPackage struct {
	ImportPath string
	Imports    []string
	GoFiles    []string
}

// packages lists the packages of this module that have code beside their tests.
func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,GoFiles", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("read the answer of go list: %v", err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}

// folderOf is the folder whose row counts for a package: the innermost that has one, or the outermost where none has.
func folderOf(importPath string) string {
	folder := strings.TrimPrefix(importPath, module)
	for {
		outer := strings.LastIndex(folder, "/")
		if _, ok := mayImport[folder]; ok || outer < 0 {
			return folder
		}
		folder = folder[:outer]
	}
}
