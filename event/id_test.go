package event

import (
	"testing"
	"testing/quick"

	"github.com/oklog/ulid/v2"
)

// The canonical form is the one that another implementation writes and reads.
func TestIDIsAULID(t *testing.T) {
	same := func(id ID) bool {
		other, err := ulid.ParseStrict(id.String())
		if err != nil || other != ulid.ULID(id) || other.String() != id.String() {
			t.Logf("%x: %s, %v", id[:], id, err)
			return false
		}
		back, err := ParseID(id.String())
		return err == nil && back == id
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}

func TestParseIDRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{
		"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAU",
		"01ARZ3NDEKTSV4RRFFQ69G5FA!",
	} {
		if id, err := ParseID(text); err == nil {
			t.Errorf("%q is read as %s", text, id)
		}
	}
	lower, err := ParseID("01arz3ndektsv4rrffq69g5fav")
	if err != nil || lower.String() != "01ARZ3NDEKTSV4RRFFQ69G5FAV" {
		t.Errorf("lower case: %s, %v", lower, err)
	}
}

// Two identifiers of different kinds with the same value are two lanes; the same identifier is one.
func TestLanes(t *testing.T) {
	one := LaneKindOf("id").Of([]byte("7"))
	if again := LaneKindOf("id").Of([]byte("7")); again != one {
		t.Error("one identifier has two lanes")
	}
	if LaneKindOf("id").Of([]byte("7")) == LaneKindOf("email").Of([]byte("7")) || LaneKindOf("a").Of([]byte("bc")) == LaneKindOf("ab").Of([]byte("c")) {
		t.Error("two identifiers share a lane")
	}
}

// The zero outcome is open, so that forgetting to fill one loses nothing.
func TestZeroOutcomeIsOpen(t *testing.T) {
	if (Outcome{}).Result != Open {
		t.Error("the zero outcome settles its call")
	}
}
