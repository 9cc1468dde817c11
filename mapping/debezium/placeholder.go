package debezium

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/ciobridge/ciobridge/internal/jsontext"
	"github.com/ciobridge/ciobridge/mapping/connect"
)

// Unavailable is what Debezium writes in place of a value that did not change and that the database did not tell.
const Unavailable = "__debezium_unavailable_value"

// Placeholder is how that stands in columns of the various types: a text, bytes in base64, a map, a list of either, of
// UUIDs, or of what its bytes are as numbers. It never changes.
type Placeholder struct {
	texts connect.Texts
	signs [][]byte // of which one is in each of the texts but for lists
	lists [][]byte // with which lists begin that have none of the signs
}

// NewPlaceholder gives that of a connector whose unavailable.value.placeholder is the text; "" is Unavailable.
func NewPlaceholder(text string) *Placeholder {
	if text == "" {
		text = Unavailable
	}
	quoted := jsontext.AppendString(nil, []byte(text))
	inBase64 := base64.StdEncoding.EncodeToString([]byte(text))
	pair := fmt.Sprintf("{%s:%s}", quoted, quoted)
	id := nameUUID(text)
	var lists [4][]string // of numbers: integers, floats, decimals, decimals with their scale
	for _, c := range []byte(text) {
		n := strconv.Itoa(int(int8(c)))
		b := base64.StdEncoding.EncodeToString([]byte{c})
		for i, element := range []string{n, n + ".0", `"` + b + `"`, `{"scale":0,"value":"` + b + `"}`} {
			lists[i] = append(lists[i], element)
		}
	}
	p := &Placeholder{
		texts: connect.Texts{
			quoted, fmt.Appendf(nil, "%q", inBase64), []byte(pair),
			jsontext.AppendString(nil, []byte(pair)), // a map in a column of JSON is a text
			fmt.Appendf(nil, "[%s]", quoted), fmt.Appendf(nil, "[%q]", inBase64), fmt.Appendf(nil, "[%q]", id),
		},
		signs: [][]byte{quoted[1 : len(quoted)-1], []byte(inBase64)},
		lists: [][]byte{fmt.Appendf(nil, "[%q", id)},
	}
	for _, list := range lists {
		p.texts = append(p.texts, []byte("["+strings.Join(list, ",")+"]"))
		p.lists = append(p.lists, []byte("["+list[0]))
	}
	return p
}

// nameUUID is the UUID that Java makes of a name.
func nameUUID(name string) string {
	id := md5.Sum([]byte(name))
	id[6], id[8] = id[6]&0x0f|0x30, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// within reports whether one of the texts may stand in a row.
func (p *Placeholder) within(row []byte) bool {
	for _, sign := range p.signs {
		if bytes.Contains(row, sign) {
			return true
		}
	}
	for {
		at := bytes.IndexByte(row, '[')
		if at < 0 {
			return false
		}
		row = row[at:]
		for _, list := range p.lists {
			if bytes.HasPrefix(row, list) {
				return true
			}
		}
		row = row[1:]
	}
}
