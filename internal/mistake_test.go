package internal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/ciobridge/ciobridge/internal/mistake"
)

func TestErrorHasOneForm(t *testing.T) {
	for want, m := range map[string]*mistake.Mistake{
		"f:3:4: a.b[0]: wrong": mistake.New(mistake.Place{File: "f", Line: 3, Column: 4, Path: "a.b[0]"}, "wrong"),
		"f:3: wrong":           mistake.New(mistake.Place{File: "f", Line: 3}, "wrong"),
		"line 3: a: wrong":     mistake.New(mistake.Place{Line: 3, Path: "a"}, "wrong"),
		"--set a: a: wrong":    mistake.New(mistake.Place{File: "--set a", Path: "a"}, "wrong"),
		"wrong":                mistake.New(mistake.Place{}, "wrong"),
		"f: EOF":               mistake.New(mistake.Place{File: "f"}, "%w", io.EOF),
	} {
		if m.Error() != want {
			t.Errorf("got %q, want %q", m, want)
		}
	}
	if !errors.Is(mistake.At("a", "read: %w", io.EOF), io.EOF) {
		t.Error("the cause is lost")
	}
	m := mistake.Of("a[%d].b: %d is more than %d: give less", 1, 2, 3)
	if text, err := json.Marshal(m); err != nil || string(text) !=
		`{"path":"a[1].b","message":"2 is more than 3: give less"}` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestAllTakesApartWhatWasJoined(t *testing.T) {
	a, b := mistake.At("a", "wrong"), mistake.At("b", "wrong")
	around := fmt.Errorf("%w; %w", a, io.EOF)
	err := fmt.Errorf("%w", errors.Join(a, errors.Join(b, nil, a), io.EOF, around))
	var got []string
	for _, m := range mistake.All(mistake.Under("s", err)) {
		got = append(got, m.Error())
	}
	if want := []string{"s.a: wrong", "s.b: wrong", "s: EOF", "s: a: wrong; EOF"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if mistake.All(nil) != nil || mistake.Under("s", nil) != nil {
		t.Error("nothing becomes something")
	}
}

func TestWhatFollowsFromAnotherIsLeftOut(t *testing.T) {
	var first mistake.List
	first.AddCovering(mistake.Place{File: "f", Path: "a"}, []string{"a.b", "c[1]"}, "wrong")
	var later mistake.List
	for _, place := range []mistake.Place{
		{Path: "a"}, {Path: "a.b"}, {Path: "a.b.c"}, {File: "f", Path: "c[1].d"}, // follow
		{Path: "a.bc"}, {Path: "a.c"}, {File: "g", Path: "a"}, {Path: "c[10]"}, {Path: ""}, // do not
	} {
		later.Add(place, "also")
	}
	var got []string
	for _, m := range mistake.All(mistake.Beyond(first.Err(), later.Err())) {
		got = append(got, m.Error())
	}
	if want := []string{"a.bc: also", "a.c: also", "g: a: also", "c[10]: also", "also"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if left := mistake.All(mistake.Without(later.Err(), mistake.At("a.c", "also"))); len(left) != 8 {
		t.Errorf("%d left", len(left))
	}
}

func TestSorted(t *testing.T) {
	at := func(file string, line, column int) *mistake.Mistake {
		return mistake.New(mistake.Place{File: file, Line: line, Column: column}, "wrong")
	}
	var got string
	for _, m := range mistake.Sorted([]*mistake.Mistake{at("z", 9, 1), at("a", 2, 5), at("z", 1, 1), at("a", 2, 3)}) {
		got += m.Place.String() + " "
	}
	if got != "z:1:1 z:9:1 a:2:3 a:2:5 " {
		t.Error(got)
	}
}
