package emulator

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the recursion of the parser. Customer.io documents no limit.
const maxDepth = 100

// syntaxError says where a text stops being JSON.
type syntaxError struct {
	offset int
	what   string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.what, e.offset) }

func (d *document) parse(src string) error {
	d.src, d.nodes, d.flaws, d.pos = src, d.nodes[:0], d.flaws[:0], 0
	if !utf8.ValidString(src) {
		return &syntaxError{firstInvalid(src), "invalid UTF-8"}
	}
	d.space()
	if err := d.value(0, node{}); err != nil {
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

func (d *document) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *document) unexpected(where string) error {
	if d.pos >= len(d.src) {
		return &syntaxError{d.pos, "unexpected end " + where}
	}
	return &syntaxError{d.pos, fmt.Sprintf("unexpected %q %s", d.src[d.pos], where)}
}

// value reads one value into a new node that starts out as n, which carries the member's name.
func (d *document) value(depth int, n node) error {
	if depth > maxDepth {
		return &syntaxError{d.pos, fmt.Sprintf("nesting deeper than %d", maxDepth)}
	}
	if d.pos >= len(d.src) {
		return d.unexpected("in place of a value")
	}
	i := len(d.nodes)
	n.start = int32(d.pos)
	d.nodes = append(d.nodes, n)
	var err error
	var size int32
	switch c := d.src[d.pos]; {
	case c == '{':
		n.kind = kindObject
		size, err = d.object(depth, i)
	case c == '[':
		n.kind = kindArray
		size, err = d.array(depth)
	case c == '"':
		n.kind = kindString
		n.escaped, err = d.quoted()
	case c == '-' || c >= '0' && c <= '9':
		n.kind = kindNumber
		err = d.number()
	default:
		n.kind, err = d.literal()
	}
	n.end, n.next, n.size = int32(d.pos), int32(len(d.nodes)), size
	d.nodes[i] = n
	return err
}

func (d *document) object(depth, self int) (size int32, err error) {
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
		var n node
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

func (d *document) array(depth int) (size int32, err error) {
	d.pos++
	d.space()
	if d.pos < len(d.src) && d.src[d.pos] == ']' {
		d.pos++
		return 0, nil
	}
	for {
		d.space()
		if err = d.value(depth+1, node{}); err != nil {
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
func (d *document) separator(closing byte) (more bool, err error) {
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

func (d *document) literal() (kind, error) {
	rest := d.src[d.pos:]
	for _, l := range [...]struct {
		word string
		kind kind
	}{{"null", kindNull}, {"true", kindBool}, {"false", kindBool}} {
		if strings.HasPrefix(rest, l.word) {
			d.pos += len(l.word)
			return l.kind, nil
		}
	}
	return kindNull, d.unexpected("in place of a value")
}

func (d *document) digits() error {
	from := d.pos
	for d.pos < len(d.src) && d.src[d.pos] >= '0' && d.src[d.pos] <= '9' {
		d.pos++
	}
	if d.pos == from {
		return d.unexpected("in place of a digit")
	}
	return nil
}

func (d *document) number() error {
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
