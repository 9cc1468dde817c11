package jsondoc

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the recursion of Read. Customer.io documents no limit.
const maxDepth = 100

// syntaxError says where a text stops being JSON.
type syntaxError struct {
	offset int
	what   string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.what, e.offset) }

// Read reads a text. It fails where that is not JSON, or is nested too deep; the error says at which byte.
func (d *Document) Read(src string) error {
	d.src, d.Nodes, d.Flaws, d.pos = src, d.Nodes[:0], d.Flaws[:0], 0
	if !utf8.ValidString(src) {
		return &syntaxError{firstInvalid(src), "invalid UTF-8"}
	}
	d.space()
	if err := d.value(0, Node{}); err != nil {
		return err
	}
	d.space()
	if d.pos != len(src) {
		return d.unexpected("after the top-level value")
	}
	return nil
}

func firstInvalid(s string) int {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return len(s)
}

func (d *Document) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *Document) unexpected(where string) error {
	if d.pos >= len(d.src) {
		return &syntaxError{d.pos, "unexpected end " + where}
	}
	return &syntaxError{d.pos, fmt.Sprintf("unexpected %q %s", d.src[d.pos], where)}
}

// value reads one value into a new node that starts out as n, which carries the member's name.
func (d *Document) value(depth int, n Node) error {
	if depth > maxDepth {
		return &syntaxError{d.pos, fmt.Sprintf("nesting deeper than %d", maxDepth)}
	}
	if d.pos >= len(d.src) {
		return d.unexpected("in place of a value")
	}
	i := len(d.Nodes)
	n.Start = int32(d.pos)
	d.Nodes = append(d.Nodes, n)
	var err error
	var size int32
	switch c := d.src[d.pos]; {
	case c == '{':
		n.Kind = Object
		size, err = d.object(depth, i)
	case c == '[':
		n.Kind = Array
		size, err = d.array(depth)
	case c == '"':
		n.Kind = String
		n.escaped, err = d.quoted()
	case c == '-' || c >= '0' && c <= '9':
		n.Kind = Number
		err = d.number()
	default:
		n.Kind, err = d.literal()
	}
	n.End, n.next, n.Size = int32(d.pos), int32(len(d.Nodes)), size
	d.Nodes[i] = n
	return err
}

func (d *Document) object(depth, self int) (size int32, err error) {
	d.pos++
	d.space()
	if d.pos < len(d.src) && d.src[d.pos] == '}' {
		d.pos++
		return 0, nil
	}
	for {
		d.space()
		if d.pos >= len(d.src) || d.src[d.pos] != '"' {
			return size, d.unexpected("in place of a member's name")
		}
		var n Node
		n.keyStart = int32(d.pos + 1)
		if n.keyEscape, err = d.quoted(); err != nil {
			return size, err
		}
		n.keyEnd = int32(d.pos - 1)
		d.space()
		if d.pos >= len(d.src) || d.src[d.pos] != ':' {
			return size, d.unexpected("in place of a colon")
		}
		d.pos++
		d.space()
		if err = d.value(depth+1, n); err != nil {
			return size, err
		}
		size++
		more, err := d.separator('}')
		if err != nil {
			return size, err
		}
		if !more {
			d.repeats(self, size)
			return size, nil
		}
	}
}

func (d *Document) array(depth int) (size int32, err error) {
	d.pos++
	d.space()
	if d.pos < len(d.src) && d.src[d.pos] == ']' {
		d.pos++
		return 0, nil
	}
	for {
		d.space()
		if err = d.value(depth+1, Node{}); err != nil {
			return size, err
		}
		size++
		more, err := d.separator(']')
		if err != nil || !more {
			return size, err
		}
	}
}

// separator consumes a comma or the closing character, and reports whether it was the comma.
func (d *Document) separator(closing byte) (more bool, err error) {
	d.space()
	if d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ',':
			d.pos++
			return true, nil
		case closing:
			d.pos++
			return false, nil
		}
	}
	return false, d.unexpected("in place of a comma or " + string(rune(closing)))
}

func (d *Document) literal() (Kind, error) {
	rest := d.src[d.pos:]
	for _, l := range [...]struct {
		word string
		kind Kind
	}{{"null", Null}, {"true", Bool}, {"false", Bool}} {
		if strings.HasPrefix(rest, l.word) {
			d.pos += len(l.word)
			return l.kind, nil
		}
	}
	return Null, d.unexpected("in place of a value")
}

func (d *Document) digits() error {
	from := d.pos
	for d.pos < len(d.src) && d.src[d.pos] >= '0' && d.src[d.pos] <= '9' {
		d.pos++
	}
	if d.pos == from {
		return d.unexpected("in place of a digit")
	}
	return nil
}

func (d *Document) number() error {
	if d.src[d.pos] == '-' {
		d.pos++
	}
	if d.pos < len(d.src) && d.src[d.pos] == '0' {
		d.pos++
	} else if err := d.digits(); err != nil {
		return err
	}
	if d.pos < len(d.src) && d.src[d.pos] == '.' {
		d.pos++
		if err := d.digits(); err != nil {
			return err
		}
	}
	if d.pos < len(d.src) && d.src[d.pos]|0x20 == 'e' {
		d.pos++
		if d.pos < len(d.src) && (d.src[d.pos] == '+' || d.src[d.pos] == '-') {
			d.pos++
		}
		return d.digits()
	}
	return nil
}
