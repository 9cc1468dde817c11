package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const mask = "***"

// Value is a text that prints as *** however it is printed, encoded or logged, also as a field of something else.
// Reveal is the only way out. The zero Value is empty.
type Value struct {
	// A pointer, because fmt prints unexported fields without asking their methods: of a pointer inside a struct it
	// prints the address.
	text *string
}

// New makes a Value of a text.
func New(text string) Value { return Value{text: &text} }

// Reveal gives the text itself.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// Equal reports whether two values hold the same text. The time it takes depends on their lengths only.
func (v Value) Equal(other Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(other.Reveal())) == 1
}

// String is ***. It also serves zap, which asks a value for its String.
func (v Value) String() string { return mask }

// GoString is ***.
func (v Value) GoString() string { return mask }

// Format writes *** for every verb and flag.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, mask) }

// MarshalText gives ***.
func (v Value) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalJSON gives "***".
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }

// MarshalYAML gives ***.
func (v Value) MarshalYAML() (any, error) { return mask, nil }

// LogValue gives *** to slog.
func (v Value) LogValue() slog.Value { return slog.StringValue(mask) }
