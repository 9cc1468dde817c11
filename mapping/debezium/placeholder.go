package debezium

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/connect"
)

// Unavailable is what Debezium writes in place of a value that did not change and that the database did not tell.
const Unavailable = "__debezium_unavailable_value"

// Placeholder is how that stands in columns of the various types: a text, bytes in base64, a list of texts, a list of
// the numbers of its bytes, or a map. It never changes.
type Placeholder struct {
	texts connect.Texts
	signs [][]byte // of which one is in each of the texts
}

// NewPlaceholder gives that of a connector whose unavailable.value.placeholder is the text; "" is Unavailable.
func NewPlaceholder(text string) *Placeholder {
	if text == "" {
		text = Unavailable
	}
	inBase64 := base64.StdEncoding.EncodeToString([]byte(text))
	quoted := jsontext.AppendString(nil, []byte(text))
	numbers := []byte{'['}
	for i, c := range []byte(text) {
		if i > 0 {
			numbers = append(numbers, ',')
		}
		numbers = strconv.AppendInt(numbers, int64(int8(c)), 10)
	}
	numbers = append(numbers, ']')
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	return &Placeholder{
		texts: connect.Texts{
			quoted,
			[]byte(`"` + inBase64 + `"`),
			join([]byte("["), quoted, []byte("]")),
			numbers,
			join([]byte("{"), quoted, []byte(":"), quoted, []byte("}")),
			// a map in a column of JSON is a text
			jsontext.AppendString(nil, join([]byte("{"), quoted, []byte(":"), quoted, []byte("}"))),
		},
		signs: [][]byte{quoted[1 : len(quoted)-1], []byte(inBase64), numbers},
	}
}

// within reports whether one of the texts may stand in a row.
func (p *Placeholder) within(row []byte) bool {
	for _, sign := range p.signs {
		if bytes.Contains(row, sign) {
			return true
		}
	}
	return false
}
