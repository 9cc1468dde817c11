package expr_test

import (
	"testing"

	"github.com/ciobridge/ciobridge/mapping/expr"
)

// TestMissingIsNotNull tells a member that is not there from one that is null.
func TestMissingIsNotNull(t *testing.T) {
	const doc = `{"null":null,"o":{"null":null,"s":"x"},"l":[null,1],"text":"t","$":1}`
	for program, want := range map[string]bool{
		".null": false, ".o.null": false, ".missing": true, ".o.missing": true, ".null.x": true, ".missing.x": true,
		".l[0]": false, ".l[1]": false, ".l[2]": true, ".l[-1]": false, ".l[-2]": false, ".l[-3]": true,
		".null | unix": false, ".missing | unix": true, ".o | .missing | unix": true, ".o | .null | unix": false,
		"$v.null": false, "$v.missing": true, "$v.o.missing?": true, ".text.x?": true, ".": false,
		".missing | ascii_downcase? | sort_by(.x)?": true, ".null | tojson | fromjson": false,
		".missing // null":       false,
		".missing // .o.missing": true, ".missing // .null": false,
		"(.missing // .gone // .lost) | unix": true, "(.missing // .gone // .null) | unix": false,
		"if .missing then 1 else null end": false, "null": false,
	} {
		set := expr.NewSet()
		p, err := set.Compile(program, "v")
		if err != nil {
			t.Fatal(err)
		}
		set.Seal()
		var d expr.Document
		if err := d.Parse(set, []byte(doc)); err != nil {
			t.Fatal(err)
		}
		d.Bind("v", d.Root())
		if got := p.Missing(&d); got != want {
			t.Errorf("%s is missing: %v, want %v", program, got, want)
		}
	}
}
