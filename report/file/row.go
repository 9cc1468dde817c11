package file

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
)

// row is an event as cells.
type row struct {
	ours    []string
	members []member
	index   map[string]int // of members, by their keys
}

// member is a value with the key by which it becomes a column, or nil where it was taken.
type member struct {
	key   string
	value json.RawMessage
}

func rowOf(e *cloudevent.Event) (row, error) {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return row{}, fmt.Errorf("write an event: %w", err)
	}
	var name, object, start, end string
	r := row{index: map[string]int{}}
	for _, m := range membersOf(data) {
		switch m.key {
		case "report":
			name = textOf(m.value)
		case "object":
			object = textOf(m.value)
		case "revision":
		case "window":
			for _, side := range membersOf(m.value) {
				switch side.key {
				case "start":
					start = textOf(side.value)
				case "end":
					end = textOf(side.value)
				}
			}
		case "row":
			for _, m := range membersOf(m.value) {
				r.addFlat(m)
			}
		default:
			r.addFlat(m)
		}
	}
	happened := ""
	if !e.Time.IsZero() {
		happened = e.Time.UTC().Format(time.RFC3339Nano)
	}
	r.ours = []string{
		e.ID, e.ContentHash, strconv.Itoa(e.Revision), e.Type, happened, e.Workspace, name, cmp.Or(object, e.Subject),
		start, end,
	}
	return r, nil
}

// addFlat adds a value, or each member of an object by itself, such as metrics_sent.
func (r *row) addFlat(m member) {
	inner := membersOf(m.value)
	for _, i := range inner {
		r.add(m.key+"_"+i.key, i.value)
	}
	if len(inner) == 0 {
		r.add(m.key, m.value)
	}
}

// add adds a value under a key. Where it is taken, a number is behind it.
func (r *row) add(key string, value json.RawMessage) {
	name := key
	for n := 2; ; n++ {
		if _, taken := r.index[name]; !taken {
			break
		}
		name = key + "_" + strconv.Itoa(n)
	}
	r.index[name] = len(r.members)
	r.members = append(r.members, member{name, value})
}

// keys are those of a first row that become columns: none of ours.
func (r *row) keys() (keys []string) {
	for _, m := range r.members {
		if m.key != more && !slices.Contains(ours, m.key) {
			keys = append(keys, m.key)
		}
	}
	return keys
}

// take is the value of a key, which then is no part of the rest.
func (r *row) take(key string) (value json.RawMessage) {
	if i, ok := r.index[key]; ok {
		value, r.members[i].value = r.members[i].value, nil
	}
	return value
}

// rest is what was not taken, as a JSON object; empty where all was.
func (r *row) rest() string {
	var out []byte
	for _, m := range r.members {
		if m.value == nil {
			continue
		}
		key, _ := json.Marshal(m.key) // a text always can be
		out = append(append(append(append(out, ','), key...), ':'), m.value...)
	}
	if out == nil {
		return ""
	}
	out[0] = '{'
	return string(append(out, '}'))
}

// membersOf are those of a JSON object, in their order. What is none has none.
func membersOf(text json.RawMessage) (list []member) {
	if len(text) == 0 || text[0] != '{' {
		return nil
	}
	in := json.NewDecoder(bytes.NewReader(text))
	_, _ = in.Token() // it is JSON, and begins an object
	for in.More() {
		var m member
		key, err := in.Token()
		if err != nil || in.Decode(&m.value) != nil {
			return list
		}
		m.key, _ = key.(string) // as every key of an object is
		list = append(list, m)
	}
	return list
}

// textOf is a value as a cell: a text as it is, null as nothing, and all else as JSON.
func textOf(value json.RawMessage) string {
	var text string
	if len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &text) == nil {
		return text
	}
	if string(value) == "null" {
		return ""
	}
	return string(value)
}
