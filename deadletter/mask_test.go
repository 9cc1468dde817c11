package deadletter

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMaskedShowsShapeOnly(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"order","total":12.50,"ok":true,"none":null,"items":[{"sku":"ä"},1]}`: `{"type":"string(5)",` +
			`"total":"number(5)","ok":"boolean","none":null,"items":[{"sku":"string(1)"},"number(1)"]}`,
		`{"ann@example.com":{"a b":1},"4711":2,"$ref":3,"a.b-c":4,"a@b":5}`: `{"key(15)":{"key(3)":"number(1)"},` +
			`"key(4)":"number(1)","$ref":"number(1)","a.b-c":"number(1)","key(3)":"number(1)"}`,
		` "secret" `:             `"string(6)"`,
		`[]`:                     `[]`,
		`{}`:                     `{}`,
		`not json`:               `hidden(8 bytes)`,
		`{"a":1} trailing`:       `hidden(16 bytes)`,
		`{"a":1`:                 `hidden(6 bytes)`,
		"\"\xff\"":               `hidden(3 bytes)`,
		``:                       `hidden(0 bytes)`,
		strings.Repeat("[", 100): `hidden(100 bytes)`,
	} {
		if got := string(Masked([]byte(in))); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
	if got := string(Masked(nil)); got != "null" {
		t.Errorf("a tombstone is %s", got)
	}
}

func FuzzMasked(f *testing.F) {
	f.Add([]byte(`{"a":["Xsecret",1,{"b@c":null}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := Masked(raw)
		if strings.HasPrefix(string(got), "hidden(") {
			return
		}
		if !json.Valid(got) || !json.Valid(raw) && raw != nil {
			t.Fatalf("%q became %q", raw, got)
		}
	})
}
