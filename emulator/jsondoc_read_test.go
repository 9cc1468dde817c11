package emulator_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/emulator/jsondoc"
)

// FuzzJSON holds the parser to encoding/json: what is JSON for one is for the other, and strings decode to the same.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0.5e+3,"x\u00e9\n\/",null,true,false,{}]}`, `"\ud83d\ude00\ud800"`,
		` [ ] `, `1.`, `-`, `"\x"`, "\"\x7f\u2028\"", `{"a":1,}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		var d jsondoc.Document
		err := d.Read(src)
		valid := json.Valid([]byte(src)) && strings.ToValidUTF8(src, "") == src
		if (err == nil) != valid && !(valid && strings.Contains(err.Error(), "nesting")) {
			t.Fatalf("%q: %v, encoding/json says %v", src, err, valid)
		}
		if err != nil {
			return
		}
		for i, n := range d.Nodes {
			if n.Kind != jsondoc.String {
				continue
			}
			var want string
			if err := json.Unmarshal([]byte(d.Raw(i)), &want); err != nil {
				t.Fatal(err)
			}
			if got := d.Text(i); got != want && !slices.ContainsFunc(d.Flaws,
				func(f jsondoc.Flaw) bool { return f.Message == "contains a lone surrogate" }) {
				t.Fatalf("%q decoded to %q, want %q", d.Raw(i), got, want)
			}
			var back string
			if err := json.Unmarshal(jsondoc.AppendString(nil, want), &back); err != nil || back != want {
				t.Fatalf("%q was written as %q: %v", want, jsondoc.AppendString(nil, want), err)
			}
		}
	})
}

// What is a flaw, and where it stands.
func TestFlaws(t *testing.T) {
	for src, want := range map[string]string{
		`{"a":1,"b":2}`:                     "",
		`[{"a":1,"a":2},{"a":3}]`:           `12 has the key "a" twice`,
		`{"a":1,"\u0061":2}`:                `16 has the key "a" twice`,
		`{"b":{"a":1,"a":2},"b":3}`:         `16 has the key "a" twice, 23 has the key "b" twice`,
		`["\ud83d\ude00"]`:                  "",
		`["\ud800"]`:                        "2 contains a lone surrogate",
		`["\ude00\ud83d"]`:                  "2 contains a lone surrogate, 8 contains a lone surrogate",
		`["\ud800\ud83d\ude00", "\\ud800"]`: "2 contains a lone surrogate",
		`["\ud800x\udc00\ufffd"]`:           "2 contains a lone surrogate, 9 contains a lone surrogate",
		`{"\udfff":1}`:                      "2 contains a lone surrogate",
	} {
		var d jsondoc.Document
		if err := d.Read(src); err != nil {
			t.Errorf("%s: %v", src, err)
		}
		var got []string
		for _, f := range d.Flaws {
			got = append(got, fmt.Sprintf("%d %s", f.At, f.Message))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s, want %s", src, strings.Join(got, ", "), want)
		}
	}
}

// Every value is a node with the bytes that it was sent as.
func TestNodes(t *testing.T) {
	var d jsondoc.Document
	if err := d.Read(` {"a" : [1, -2.50e3 ,"x\n"] , "b":{ } ,"c":null,"d":true}`); err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, n := range d.Nodes {
		got = append(got, fmt.Sprintf("%s=%s/%d", d.Key(i), d.Raw(i), n.Size))
	}
	want := []string{`={"a" : [1, -2.50e3 ,"x\n"] , "b":{ } ,"c":null,"d":true}/4`, `a=[1, -2.50e3 ,"x\n"]/3`, `=1/0`,
		`=-2.50e3/0`, `="x\n"/0`, `b={ }/0`, `c=null/0`, `d=true/0`}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if m := d.Member(0, "a"); d.Text(m+3) != "x\n" || len(slices.Collect(d.Children(m))) != 3 ||
		d.Member(m, "a") != jsondoc.None {
		t.Error("the members of a are not found")
	}
}
