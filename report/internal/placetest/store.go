package placetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/report"
)

// A StorePlace is where stores are opened.
type StorePlace struct {
	// Open opens the store, as another process does. Die ends that process's dealings with the place, and releases
	// nothing; it may be nil for Stores.
	Open func() (s report.Store, die func())
	// Session is how long the right of one that died outlives it.
	Session time.Duration
}

// Stores holds a place to the contract of stores, but for Deaths.
func Stores(t *testing.T, p StorePlace) {
	s, _ := p.Open()
	if _, err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("values", func(t *testing.T) { values(t, p, s) })
	t.Run("lead", func(t *testing.T) { leads(t, p, s) })
}

// Known is what a store keeps under a prefix.
func Known(t *testing.T, s report.Store, prefix string) map[string]string {
	t.Helper()
	known := map[string]string{}
	if err := s.Load(t.Context(), prefix, func(key string, value []byte) error {
		if _, twice := known[key]; twice {
			t.Errorf("%q is told twice", key)
		}
		known[key] = string(value)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return known
}

func values(t *testing.T, p StorePlace, s report.Store) {
	put := func(key, value string) {
		t.Helper()
		if err := s.Put(t.Context(), key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	if got := Known(t, s, ""); len(got) != 0 {
		t.Errorf("an empty store has %v", got)
	}
	want := map[string]string{
		"run/daily/":                         `{"open":true}`, // of the workspace without a name
		"run/daily/EU & US":                  `[1]`,
		"rows/a.b/*>\"ä\\ /campaign/7":       `[2]`,
		"rows/a.b/*>\"ä\\ /campaign/7=x":     "not even\nJSON \x00\xff",
		"rows/a.b/*>\"ä\\ /campaign/71":      `[3]`,
		"rows/a.b//=/.../x":                  `[4]`,
		"rows/a.b/*>\"ä\\ /\U0001f600/a b\t": `[5]`,
	}
	for key, value := range want {
		put(key, "old")
		put(key, value)
	}
	put("run/gone/", "1")
	put("run/gone/", "")
	put("run/never/", "")
	other, _ := p.Open()
	for prefix, n := range map[string]int{
		"": 7, "run/": 2, "run/daily/": 2, "rows/a.b/*>\"ä\\ /campaign/7": 3, "rows/a.b//": 1, "rows/b": 0,
		"run/dai": 2, "run/daily/EU & US": 1,
	} {
		got := Known(t, other, prefix)
		if len(got) != n {
			t.Errorf("under %q there are %v", prefix, got)
		}
		for key, value := range got {
			if want[key] != value {
				t.Errorf("under %q there is %q, want %q", key, value, want[key])
			}
		}
	}
	put("run/daily/", "again")
	want["run/daily/"] = "again"
	if got := Known(t, other, ""); !maps.Equal(got, want) {
		t.Errorf("there is %v, want %v", got, want)
	}
	end := errors.New("enough")
	if err := s.Load(t.Context(), "", func(string, []byte) error { return end }); !errors.Is(err, end) {
		t.Errorf("the error of the caller becomes %v", err)
	}
}

// A leader is one that has asked for the lead.
type leader struct {
	led     context.Context
	release func()
	err     error
}

// ask asks for the lead. Standby gets a value each time that the store says to stand by.
func ask(ctx context.Context, s report.Store) (leading chan leader, standby chan bool) {
	leading, standby = make(chan leader, 1), make(chan bool, 10)
	go func() {
		var l leader
		l.led, l.release, l.err = s.Lead(ctx, func() { standby <- true })
		leading <- l
	}()
	return leading, standby
}

func must(t *testing.T, leading chan leader, limit time.Duration) leader {
	t.Helper()
	select {
	case l := <-leading:
		if l.err != nil {
			t.Fatal(l.err)
		}
		return l
	case <-time.After(limit):
		t.Fatal("nobody leads")
		return leader{}
	}
}

const patience = 20 * time.Second

// leads has one lead after another.
func leads(t *testing.T, p StorePlace, s report.Store) {
	leading, standby := ask(t.Context(), s)
	first := must(t, leading, patience)
	if len(standby) > 0 {
		t.Error("the first had to stand by")
	}
	b, _ := p.Open()
	ctx, cancel := context.WithCancel(t.Context())
	leading, standby = ask(ctx, b)
	<-standby
	select {
	case <-leading:
		t.Fatal("two lead")
	case <-first.led.Done():
		t.Fatal("the first lost the lead to one that stands by")
	case <-time.After(p.Session / 2):
	}
	cancel()
	if l := <-leading; l.err == nil {
		t.Error("one leads that has given up")
	}
	inTurn(t, p, first)
	leading, _ = ask(t.Context(), s) // again, after others
	must(t, leading, patience).release()
}

// inTurn has two stand by while one leads. Each gets its turn, and they never lead together.
func inTurn(t *testing.T, p StorePlace, first leader) {
	c, _ := p.Open()
	d, _ := p.Open()
	ofC, standbyC := ask(t.Context(), c)
	ofD, standbyD := ask(t.Context(), d)
	<-standbyC
	<-standbyD
	first.release()
	first.release()
	if first.led.Err() == nil {
		t.Error("who has released it leads on")
	}
	second, next := leader{}, ofD
	select {
	case second = <-ofC:
	case second = <-ofD:
		next = ofC
	case <-time.After(patience):
		t.Fatal("nobody leads")
	}
	if second.err != nil {
		t.Fatal(second.err)
	}
	if len(standbyC)+len(standbyD) > 0 {
		t.Error("they are told to stand by more than once")
	}
	if err := c.Put(second.led, "a", []byte("b")); err != nil {
		t.Error(err)
	}
	select {
	case l := <-next:
		t.Fatalf("two lead: %v", l.err)
	case <-second.led.Done():
		t.Fatal("the second lost the lead to one that stands by")
	case <-time.After(p.Session / 2):
	}
	second.release()
	must(t, next, patience).release()
}

// Deaths has the lead of one that dies taken over, not before its right has ended. The place is one of its own.
func Deaths(t *testing.T, p StorePlace) {
	a, die := p.Open()
	if _, err := a.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	leading, _ := ask(t.Context(), a)
	first := must(t, leading, patience)
	b, _ := p.Open()
	leading, standby := ask(t.Context(), b)
	<-standby
	die()
	died := time.Now()
	second := must(t, leading, patience)
	defer second.release()
	if first.led.Err() == nil {
		t.Error("two lead")
	}
	took := time.Since(died)
	if took < p.Session/2 {
		t.Errorf("the right was taken over after %s", took)
	}
	t.Log("taken over after", fmt.Sprint(took))
	first.release()
	select {
	case <-second.led.Done():
		t.Error("the release of one that died ends the right of the next")
	case <-time.After(p.Session / 2):
	}
}
