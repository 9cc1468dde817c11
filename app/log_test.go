package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/config"
)

// No line of the log is left out, however many are alike, and none can be made to look like two or to move a
// terminal's cursor.
func TestLogLinesAreWholeAndAlone(t *testing.T) {
	const lines = 10_000
	hostile := "first\nsecond\r\x1b[2J\x00\x7f\u0085\u2028\u202e"
	for _, format := range []string{"json", "console"} {
		var out bytes.Buffer
		log, err := NewLogger(config.Log{Level: "info", Format: format}, &out)
		if err != nil {
			t.Fatal(err)
		}
		for range lines {
			log.Info("letter stored", zap.String("rule", hostile), zap.Error(fmt.Errorf("read %s", hostile)))
		}
		if n := bytes.Count(out.Bytes(), []byte("\n")); n != lines {
			t.Errorf("%s: %d lines for %d", format, n, lines)
		}
		first, _, _ := strings.Cut(out.String(), "\n")
		for _, r := range first {
			if r != '\t' && !unicode.IsPrint(r) {
				t.Errorf("%s: the character %U stands in %q", format, r, first)
			}
		}
		if format == "json" && !json.Valid([]byte(first)) {
			t.Errorf("not JSON: %q", first)
		}
	}
}
