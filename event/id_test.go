package event

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"testing/quick"
	"unsafe"
)

// The canonical form is the number of 128 bits with 26 digits of base 32, of which Crockford's alphabet leaves out I,
// L, O and U.
func TestIDIsAULID(t *testing.T) {
	written := func(id ID) string {
		digits := fmt.Sprintf("%026s", new(big.Int).SetBytes(id[:]).Text(32))
		return strings.Map(func(digit rune) rune {
			return rune("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[strings.IndexRune("0123456789abcdefghijklmnopqrstuv",
				digit)])
		}, digits)
	}
	same := func(id ID) bool {
		back, err := ParseID(id.String())
		if want := written(id); id.String() != want || string(id.AppendTo([]byte("x"))) != "x"+want || err != nil ||
			back != id {
			t.Logf("%x: %s, want %s; read back as %s, %v", id[:], id, want, back, err)
			return false
		}
		return true
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}

func TestParseIDRefusesWhatIsNone(t *testing.T) {
	for _, text := range []string{
		"", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVX", "81ARZ3NDEKTSV4RRFFQ69G5FAV",
		"01ARZ3NDEKTSV4RRFFQ69G5FAU",
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
	if LaneKindOf("id").Of([]byte("7")) == LaneKindOf("email").Of([]byte("7")) ||
		LaneKindOf("a").Of([]byte("bc")) == LaneKindOf("ab").Of([]byte("c")) {
		t.Error("two identifiers share a lane")
	}
}

// The zero outcome is open, so that forgetting to fill one loses nothing.
func TestZeroOutcomeIsOpen(t *testing.T) {
	if (Outcome{}).Result != Open {
		t.Error("the zero outcome settles its call")
	}
}

// Of calls and messages there are hundreds of thousands in memory while Customer.io is down. A field more is weighed
// against that.
func TestCallsAndMessagesAreSmall(t *testing.T) {
	if strconv.IntSize != 64 {
		t.Skip("counts the bytes of a machine with 64 bits")
	}
	if call, message := unsafe.Sizeof(Call{}), unsafe.Sizeof(Message{}); call > 96 || message > 176 {
		t.Errorf("a call has %d bytes of at most 96, a message %d of at most 176", call, message)
	}
}
