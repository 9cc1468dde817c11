package replay

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/internal/lettertest"
	"github.com/ciobridge/ciobridge/deadletter/internal/logtest"
	"github.com/ciobridge/ciobridge/deadletter/internal/storetest"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// otherNames are rules of which each has another name than the letters say, and calls with other identities.
type otherNames struct{ rules }

func (otherNames) Names(rule, call string) (isRule, isCall bool) {
	return rule == "order_v2", rule == "order_v2" && (call == "identify" || call == "track:order_completed")
}

var underNewNames = otherNames{func(m *event.Message) ([]event.Call, []event.Failure) {
	n := int(m.Origin.Offset)
	return []event.Call{call(2000+n, "order_v2", "track:order_completed"), call(3000+n, "order_v2", "identify")}, nil
}}

func TestWishes(t *testing.T) {
	v2, identify := &Target{Rule: "order_v2"}, &Target{"order_v2", "identify"}
	none := func(b bar) string { return map[bar]string{barNamed: "named", barWholeRule: "whole rule"}[b] }
	for name, c := range map[string]struct {
		letter *deadletter.Letter
		opts   Options
		want   string
	}{
		"itself":              {stored(1, "order", "identify"), Options{}, "order/identify"},
		"as a rule":           {stored(1, "order", "identify"), Options{As: v2}, "order_v2/identify"},
		"a rule as a rule":    {stored(1, "order", ""), Options{As: v2}, "order_v2/"},
		"as a call":           {stored(1, "order", "x"), Options{As: identify}, "order_v2/identify"},
		"its call is gone":    {stored(1, "order_v2", "x"), Options{As: identify}, "order_v2/identify"},
		"a rule as a call":    {stored(1, "order", ""), Options{As: identify}, "whole rule"},
		"not gone":            {stored(1, "order_v2", "identify"), Options{As: v2}, "named"},
		"before any rule":     {stored(1, "", ""), Options{As: v2}, "named"},
		"the whole event":     {stored(1, "order", "identify"), Options{WholeEvent: true}, "/"},
		"the event of a rule": {stored(1, "order", ""), Options{WholeEvent: true}, "/"},
	} {
		w := (&Mapper{rules: underNewNames, opts: c.opts}).wishOf(c.letter)
		got := w.rule + "/" + w.call
		if w.none != nothingBars {
			got = none(w.none)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Letters are replayed as another rule in every kind of store: with the identities of that rule, once.
func TestLettersAreReplayedAsAnotherRule(t *testing.T) {
	storetest.OnEveryStore(t, func(t *testing.T, s storetest.Store) {
		lettertest.MustPut(t, s, lettertest.Failed(1), lettertest.Failed(2))
		all := deadletter.Filter{All: true}
		f := &flow{}
		r := newReplay(t, s, underNewNames, Options{Filter: all})
		if err := f.run(t.Context(), r); err != nil || r.Progress().LeftOpen != 2 || len(f.sent) != 0 {
			t.Fatalf("by its own name: %v, %+v, sent %v", err, r.Progress(), f.sent)
		}
		if got := r.UnknownRules(); len(got) != 1 || got[0] != (UnknownRule{Rule: "order", Letters: 2}) {
			t.Errorf("unknown are %v", got)
		}
		f = &flow{refuse: func(c event.Call) bool { return c.ID == lettertest.ID(2002) }}
		r = newReplay(t, s, underNewNames, Options{Filter: all, As: &Target{Rule: "order_v2"}})
		if err := f.run(t.Context(), r); err != nil || r.Progress().Delivered != 1 || r.Progress().FailedAgain != 1 {
			t.Fatalf("as another: %v, %+v", err, r.Progress())
		}
		slices.SortFunc(f.sent, func(a, b event.ID) int { return bytes.Compare(a[:], b[:]) }) // one event each
		if want := []event.ID{lettertest.ID(2001), lettertest.ID(2002)}; !slices.Equal(f.sent, want) {
			t.Errorf("sent %v, want %v", f.sent, want)
		}
		// What failed has its new name, so that it needs no --as any more.
		if open := logtest.Listed(t, s, all); !slices.Equal(open, []event.ID{lettertest.ID(2002)}) {
			t.Errorf("open are %v", open)
		}
		f = &flow{}
		r = newReplay(t, s, underNewNames, Options{Filter: all})
		if err := f.run(t.Context(), r); err != nil || r.Progress().Delivered != 1 {
			t.Errorf("by its new name: %v, %+v", err, r.Progress())
		}
	})
}

// A replay that is killed between the sending and its note sends the same identities again.
func TestAReplayAsAnotherRuleIsKilled(t *testing.T) {
	for name, opts := range map[string]Options{
		"as":          {As: &Target{Rule: "order_v2"}},
		"whole event": {WholeEvent: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := storetest.File(t)
			lettertest.MustPut(t, s, lettertest.Failed(1))
			opts.Filter = deadletter.Filter{All: true}
			opts.Drain = 50 * time.Millisecond
			f := &flow{}
			killed := newReplay(t, &dying{Store: s, dead: true}, underNewNames, opts)
			if err := f.run(t.Context(), killed); !errors.Is(err, errKilled) {
				t.Fatalf("got %v", err)
			}
			first := f.sent
			f = &flow{}
			r := newReplay(t, s, underNewNames, opts)
			if err := f.run(t.Context(), r); err != nil || r.Progress().Delivered != 1 {
				t.Fatalf("%v, %+v", err, r.Progress())
			}
			if len(first) == 0 || !slices.Equal(f.sent, first) {
				t.Errorf("sent %v, and after the kill %v", first, f.sent)
			}
			if open := logtest.Listed(t, s, opts.Filter); len(open) > 0 {
				t.Errorf("open are %v", open)
			}
		})
	}
}

// compiled are the rules of a file, and topics.
func compiled(t *testing.T, text string, topics ...mapping.Topic) *mapping.Rules {
	t.Helper()
	file, err := rulefile.Parse("rules.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := mapping.Compile(mapping.Config{Rules: file.Rules, Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// lines are rules that make a call for each line of an order, under such a name of the rule and the call.
func lines(t *testing.T, rule, call, person string) *mapping.Rules {
	t.Helper()
	return compiled(t, `
rules:
  - name: `+rule+`
    event: order
    id_scope: shop
    do:
      - identify: {person: .user, attributes: {a: 1}}
      - call: `+call+`
        each: .lines[]
        track: {person: `+person+`, name: line, data: {sku: $item.sku}}
`)
}

// Of the calls that a renamed rule makes for the items of a list, a letter is replayed as its own one, whether it is
// made or fails again.
func TestALetterOfAnItemIsFoundUnderItsNewName(t *testing.T) {
	m := event.Message{Origin: event.Origin{Topic: "t", Offset: 7}, Time: time.UnixMilli(1_790_000_000_000)}
	m.Value = []byte(
		`{"type":"order","user":"u","lines":[{"sku":"a","for":"u"},{"sku":"b"},{"sku":"c","for":"v"},{"sku":"d"}]}`)
	_, failed := lines(t, "order", "line", "$item.for").Map(&m)
	if len(failed) != 2 {
		t.Fatalf("%d failures", len(failed))
	}
	letters := storedLetters(t, m, failed)
	mended, unmended := lines(t, "order_v2", "sku", `'$item.for // "guest"'`), lines(t, "order_v2", "sku", "$item.for")
	for i, sku := range []string{"b", "d"} {
		m.Ref = newReplayedEvent(letters[i : i+1])
		as := Options{As: &Target{"order_v2", "sku"}}
		calls, failures := (&Mapper{rules: mended, opts: as}).Map(&m)
		if len(calls) != 1 || len(failures) > 0 || !bytes.Contains(calls[0].Body, []byte(`"sku":"`+sku+`"`)) {
			t.Fatalf("the letter of %s: %d calls, %d failures", sku, len(calls), len(failures))
		}
		live, _ := mended.Map(&m)
		isLive := func(c event.Call) bool { return c.ID == calls[0].ID && bytes.Equal(c.Body, calls[0].Body) }
		if !slices.ContainsFunc(live, isLive) {
			t.Errorf("the letter of %s has another identity than a live event has", sku)
		}
		m.Ref = newReplayedEvent(letters[i : i+1])
		calls, failures = (&Mapper{rules: unmended, opts: as}).Map(&m)
		_, liveFailures := unmended.Map(&m)
		if len(calls) > 0 || len(failures) != 1 || failures[0].ID != liveFailures[i].ID {
			t.Errorf("before the mend the letter of %s: %d calls, failures %+v", sku, len(calls), failures)
		}
	}
}
