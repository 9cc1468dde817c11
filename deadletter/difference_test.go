package deadletter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/deadletter"
)

func TestDifferencesShowNoContent(t *testing.T) {
	for _, c := range []struct{ was, is, want string }{
		{`{"a":1, "b":[1,2]}`, `{"b":[1,2],"a":1}`, ""},
		{`{"total":"12"}`, `{"total":12}`, ".total is number(2), and was string(2)"},
		{`{"u":{"id":"ann"}}`, `{"u":{"id":"bob","vip":true}}`, ".u.id is another string(3); .u.vip is new: boolean"},
		{`{"a":1,"b":null}`, `{"b":null}`, ".a is gone, which was number(1)"},
		{`{"ann@example.com":true}`, `{}`, ".key(15) is gone, which was boolean"},
		{`[1,{"a":1}]`, `[1,{"a":2},3]`, "[1].a is another number(1); [2] is new: number(1)"},
		{`{"a":1`, `{"a":1}`, `. is {"a":"number(1)"}, and was hidden(6 bytes)`},
		{`"x"`, `{}`, ". is object(0), and was string(1)"},
	} {
		var got []string
		for _, d := range deadletter.Differences([]byte(c.was), []byte(c.is)) {
			got = append(got, d.String())
		}
		if text := strings.Join(got, "; "); text != c.want {
			t.Errorf("%s and %s: %q, want %q", c.was, c.is, text, c.want)
		}
	}
}

func TestDifferencesAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `%q:%d,`, fmt.Sprint("k", i), i)
	}
	text := "{" + strings.TrimSuffix(b.String(), ",") + "}"
	if n := len(deadletter.Differences([]byte("{}"), []byte(text))); n != 100 {
		t.Errorf("%d differences are listed", n)
	}
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	if n := len(deadletter.Differences([]byte(deep), []byte("[[1]]"))); n != 1 {
		t.Errorf("%d differences of a deep value", n)
	}
}

func FuzzDifferences(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}]}`), []byte(`{"a":[1,{"b":"x"}],"c":true}`))
	f.Add([]byte(`{"a":`), []byte(`7`))
	f.Fuzz(func(t *testing.T, was, is []byte) {
		if list := deadletter.Differences(was, was); len(list) > 0 {
			t.Fatalf("a value differs from itself: %v", list)
		}
		there, back := deadletter.Differences(was, is), deadletter.Differences(is, was)
		if len(there) != len(back) {
			t.Fatalf("%v there, and %v back", there, back)
		}
		for i, d := range there {
			if (d.Path != back[i].Path || d.Was != back[i].Is || d.Is != back[i].Was) || d.String() == "" {
				t.Fatalf("%v there, and %v back", d, back[i])
			}
		}
	})
}
