package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// maxTests is how many events a file may have.
const maxTests = 1000

// tests is a file of golden tests.
type tests struct{ path, golden string }

func newTests(path string) tests {
	name := filepath.Base(path)
	return tests{path, strings.TrimSuffix(name, filepath.Ext(name)) + ".golden.json"}
}

// free makes sure that neither file is there.
func (t tests) free() error {
	for _, path := range []string{t.path, filepath.Join(filepath.Dir(t.path), t.golden)} {
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("%s is there already: name another with --out, or take it away", path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// write writes the tests and their golden file.
func (t tests) write(rules *mapping.Rules, list []recorded) error {
	text := t.text(list)
	if len(text) > yamltree.MaxBytes {
		return exit.With(exit.Input, fmt.Errorf("the tests would have %d bytes, of at most %d that a rule file may "+
			"have: record fewer events, with --limit or --per-type", len(text), yamltree.MaxBytes))
	}
	file, err := rulefile.Parse(t.path, []byte(text))
	if err != nil {
		return fmt.Errorf("the tests would be no rule file that can be read: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(t.path), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(t.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = out.WriteString(text)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	suite := ruletest.Suite{Tests: file.Tests, Dir: filepath.Dir(t.path)}
	_, err = suite.Update(rules)
	return err
}

func (t tests) text(list []recorded) string {
	var b strings.Builder
	b.WriteString("# Recorded events, with made-up values in place of personal data. To run them:\n" +
		"# ciobridge test -c ciobridge.yaml THIS_FILE\ntests:\n")
	numbers := map[string]int{}
	for _, r := range list {
		name := r.typ
		if name == "" {
			name = "event"
		}
		numbers[name]++
		fmt.Fprintf(&b, "  - name: %s\n    golden: %s\n    given:\n", quoted(fmt.Sprintf("%s %d", name, numbers[name])),
			quoted(t.golden))
		writeGiven(&b, r.message)
	}
	return b.String()
}

func writeGiven(b *strings.Builder, m event.Message) {
	value := "null"
	if m.Value != nil {
		value = quoted(string(m.Value))
	}
	fmt.Fprintf(b, "      event: %s\n", value)
	for _, part := range []struct{ key, value string }{
		{"topic", m.Origin.Topic}, {"subject", m.Origin.Subject}, {"key", string(m.Key)},
	} {
		if part.value != "" {
			fmt.Fprintf(b, "      %s: %s\n", part.key, quoted(part.value))
		}
	}
	if !m.Time.IsZero() {
		fmt.Fprintf(b, "      time: %s\n", quoted(m.Time.UTC().Format(time.RFC3339Nano)))
	}
	seen := map[string]bool{}
	for _, h := range m.Headers {
		if len(seen) == 0 {
			b.WriteString("      headers:\n")
		}
		if !seen[h.Key] { // a map has each name once; of those that are there twice rules mostly read the first
			fmt.Fprintf(b, "        %s: %s\n", quoted(h.Key), quoted(string(h.Value)))
		}
		seen[h.Key] = true
	}
}

// quoted is a text in YAML: as it is between single quotes, which leave JSON readable, or as JSON where it has
// something that does not show.
func quoted(s string) string {
	if strings.IndexFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) >= 0 {
		return jsontext.Of(s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
