package internal_test

import (
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/internal/output"
)

func TestPrintable(t *testing.T) {
	if got := output.Printable("a\x1b[31mb\u2028c\u00a0\u009bé"); got != "a [31mb c  é" {
		t.Errorf("%q", got)
	}
	if got := output.Dash(""); got != "-" {
		t.Errorf("an empty cell is %q", got)
	}
}

func TestForms(t *testing.T) {
	var b strings.Builder
	if err := output.JSON(&b, map[string]string{"a": "<b>"}); err != nil || b.String() != "{\"a\":\"<b>\"}\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	b.Reset()
	if err := output.Table(&b, [][]string{{"NAME", "N"}, {"longer", "1"}}); err != nil || b.String() != "NAME    "+
		"N\nlonger  1\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	if one, more := output.Count(1, "event"), output.Count(0, "event"); one != "1 event" || more != "0 events" {
		t.Errorf("%q, %q", one, more)
	}
}
