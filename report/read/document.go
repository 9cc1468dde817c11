package read

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// An object is a JSON object whose members are not looked at yet.
type object map[string]json.RawMessage

var errShape error = &AnswerError{text: "the answer is not what was asked for"}

// decode reads an object. Null is one without members.
func decode(doing string, body []byte) (object, error) {
	var o object
	if json.Unmarshal(body, &o) != nil {
		return nil, fmt.Errorf("%s: %w", doing, errShape)
	}
	return o, nil
}

// text is a member as text: a string, or a number as it is written. Anything else is empty.
func (o object) text(name string) string {
	raw := bytes.TrimSpace(o[name])
	var s string
	switch {
	case len(raw) == 0:
		return ""
	case raw[0] == '"' && json.Unmarshal(raw, &s) == nil:
		return s
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw)
	}
	return ""
}

// number is a member that is a whole number, as a number or as text.
func (o object) number(name string) (n int64, is bool) {
	n, err := strconv.ParseInt(o.text(name), 10, 64)
	return n, err == nil
}

// inner is a member that is an object; nil where it is none.
func (o object) inner(name string) object {
	var in object
	if json.Unmarshal(o[name], &in) != nil {
		return nil
	}
	return in
}

// without leaves members out.
func (o object) without(names ...string) object {
	for _, name := range names {
		delete(o, name)
	}
	return o
}

// list hands on the entries of a member that is an array of objects; one that is null or not there is empty. It holds
// one entry at a time.
func (o object) list(doing, name string, each func(object) error) error {
	raw := bytes.TrimSpace(o[name])
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if first, err := d.Token(); err != nil || first != json.Delim('[') {
		return fmt.Errorf("%s: %s: %w", doing, name, errShape)
	}
	for d.More() {
		var entry object
		if d.Decode(&entry) != nil || entry == nil {
			return fmt.Errorf("%s: an entry of %s: %w", doing, name, errShape)
		}
		if err := each(entry); err != nil {
			return err
		}
	}
	return nil
}

// canonical writes a value so that equal contents are equal bytes: members are sorted, at every depth, and numbers
// stand as Customer.io wrote them.
func canonical(v any) (json.RawMessage, error) {
	first, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(first))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errShape
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(plain); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
