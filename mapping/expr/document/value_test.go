package document

import "testing"

func TestValue(t *testing.T) {
	for _, c := range []struct {
		raw     string
		text    string
		integer bool
		n       int64
		ok      bool
		truthy  bool
	}{
		{raw: `"a\n\"\u00e9\ud83d\ude00\/"`, text: "a\n\"é😀/", truthy: true},
		{raw: `12`, integer: true, n: 12, ok: true, truthy: true},
		{raw: `-0`, integer: true, ok: true, truthy: true},
		{raw: `99999999999999999999`, integer: true, truthy: true}, {raw: `1.0`, truthy: true},
		{raw: `1e2`, truthy: true}, {raw: `null`}, {raw: `false`}, {raw: `true`, truthy: true},
		{raw: `[]`, truthy: true}, {raw: `{}`, truthy: true},
	} {
		var d Document
		if err := d.Parse(want(t, nil).places, []byte(c.raw)); err != nil {
			t.Fatal(err)
		}
		v := d.Root()
		if got := string(v.AppendString(nil)); got != c.text {
			t.Errorf("%s: text %q", c.raw, got)
		}
		if n, ok := v.Int64(); n != c.n || ok != c.ok || v.IsInteger() != c.integer || v.Truthy() != c.truthy {
			t.Errorf("%s: %d %v %v %v", c.raw, n, ok, v.IsInteger(), v.Truthy())
		}
	}
	if (Value{}).Truthy() || (Value{}).Kind.String() != "nothing" {
		t.Error("the zero value is something")
	}
}
