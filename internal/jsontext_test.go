package internal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/jsontext"
)

func TestAppendString(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `""`,
		"a <b> & é \u2028":       "\"a <b> & é \u2028\"",
		"\"\\\b\f\n\r\t\x00\x7f": `"\"\\\b\f\n\r\t\u0000\u007f"`,
	} {
		if got := string(jsontext.AppendString([]byte(">"), []byte(text))); got != ">"+want {
			t.Errorf("%q became %s, want %s", text, got, want)
		}
	}
}

// FuzzAppendString proves that every text survives, and that nothing is escaped without need.
func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("<a href=\"x\">&\\\n\r\t\x00\x7f é \u2028")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		got := jsontext.AppendString(nil, []byte(text))
		var back string
		if err := json.Unmarshal(got, &back); err != nil || back != text {
			t.Errorf("%q became %s, which reads %q, %v", text, got, back, err)
		}
		if strings.Contains(string(got), `\u003c`) || strings.Contains(string(got), `\u0026`) {
			t.Errorf("escaped for HTML: %s", got)
		}
	})
}
