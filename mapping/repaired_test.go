package mapping_test

import (
	"testing"

	"github.com/ciobridge/ciobridge/event"
)

// A repaired message has the identities of the one that failed, in whatever way it is repaired.
func TestARepairedMessageKeepsItsIdentities(t *testing.T) {
	rules := compileText(t, inRule("track: {person: .id, name: a}"))
	for name, c := range map[string]struct {
		was     string
		repairs []string
	}{
		"known by its place": {`{"type":"e"}`, []string{`{"type":"e","id":1}`, `{"type":"e","id":2,"x":0}`}},
		"never read":         {`{"type":`, []string{`{"type":"e","id":1}`, `{"type":"e","id":3}`}},
	} {
		m := message(c.was)
		_, failed := rules.Map(&m)
		if len(failed) != 1 {
			t.Fatalf("%s: %d failures", name, len(failed))
		}
		ids := map[event.ID]bool{}
		for _, value := range c.repairs {
			repaired := m
			repaired.Value = []byte(value)
			calls, failures := rules.MapRepaired(&repaired, failed, m.Value)
			if len(calls) != 1 || len(failures) > 0 {
				t.Fatalf("%s: %d calls of %s and %d failures", name, len(calls), value, len(failures))
			}
			ids[calls[0].ID] = true
			if plain := idOf(t, rules, repaired); plain == calls[0].ID {
				t.Errorf("%s: %s has the same identity without the repair, which proves nothing", name, value)
			}
			if failed[0].Call != "" && calls[0].ID != failed[0].ID {
				t.Errorf("%s: %s has the identity %s, and the letter %s", name, value, calls[0].ID, failed[0].ID)
			}
		}
		if len(ids) != 1 {
			t.Errorf("%s: the repairs have the identities %v", name, ids)
		}
	}
}

// What fails again after a repair has the identity of the letter too.
func TestAFailedRepairKeepsItsIdentity(t *testing.T) {
	rules := compileText(t, inRule("track: {person: .id, name: a}"))
	m := message(`{"type":"e"}`)
	_, failed := rules.Map(&m)
	repaired := m
	repaired.Value = []byte(`{"type":"e","id":[]}`)
	_, again := rules.MapRepaired(&repaired, failed, m.Value)
	if len(again) != 1 || again[0].ID != failed[0].ID || again[0].Reason == failed[0].Reason {
		t.Errorf("it failed as %+v, and again as %+v", failed, again)
	}
	// The next message is mapped as ever, by the same state.
	if _, plain := rules.Map(&repaired); len(plain) != 1 || plain[0].ID == failed[0].ID {
		t.Errorf("without the repair it fails as %+v", plain)
	}
}
