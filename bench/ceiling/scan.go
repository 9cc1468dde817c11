package ceiling

import "errors"

// fields are the raw members of an event that the ceiling and the bare program splice into a call, as they stand in
// the event's bytes.
type fields struct {
	kind   []byte // .type, with its quotes
	person []byte // .data.customer_id, with its quotes
	data   []byte // .data
}

var errNotJSON = errors.New("not one JSON value")

// scan checks in one pass that b is one JSON object and takes the members that a call needs out of it. Like the
// standard library's json.Valid it leaves the encoding of strings unchecked.
func scan(b []byte) (fields, error) {
	s := scanner{b: b}
	s.space()
	if !s.object(1, true) {
		return fields{}, errNotJSON
	}
	s.space()
	if s.i != len(b) || s.f.kind == nil || s.f.person == nil || s.f.data == nil {
		return fields{}, errNotJSON
	}
	return s.f, nil
}

type scanner struct {
	b []byte
	i int
	f fields
}

const maxDepth = 64

func (s *scanner) space() {
	for s.i < len(s.b) && s.b[s.i] <= ' ' && (s.b[s.i] == ' ' || s.b[s.i] == '\n' || s.b[s.i] == '\t' ||
		s.b[s.i] == '\r') {
		s.i++
	}
}

func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// object reads an object. Wanted is true where its members may be wanted: in the event itself and in its data.
func (s *scanner) object(depth int, wanted bool) bool {
	if depth > maxDepth || !s.take('{') {
		return false
	}
	s.space()
	if s.take('}') {
		return true
	}
	for {
		key := s.i
		if !s.text() {
			return false
		}
		keyEnd := s.i
		s.space()
		if !s.take(':') {
			return false
		}
		s.space()
		start := s.i
		isData := wanted && depth == 1 && string(s.b[key:keyEnd]) == `"data"`
		if !s.value(depth+1, isData) {
			return false
		}
		if wanted {
			s.keep(depth, s.b[key:keyEnd], s.b[start:s.i])
		}
		s.space()
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

func (s *scanner) keep(depth int, key, value []byte) {
	switch string(key) {
	case `"type"`:
		if depth == 1 {
			s.f.kind = value
		}
	case `"data"`:
		if depth == 1 {
			s.f.data = value
		}
	case `"customer_id"`:
		if depth == 2 {
			s.f.person = value
		}
	}
}

func (s *scanner) array(depth int) bool {
	if depth > maxDepth || !s.take('[') {
		return false
	}
	s.space()
	if s.take(']') {
		return true
	}
	for {
		if !s.value(depth+1, false) {
			return false
		}
		s.space()
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
		s.space()
	}
}

func (s *scanner) value(depth int, wanted bool) bool {
	if s.i == len(s.b) {
		return false
	}
	switch s.b[s.i] {
	case '{':
		return s.object(depth, wanted)
	case '[':
		return s.array(depth)
	case '"':
		return s.text()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *scanner) word(w string) bool {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return false
	}
	s.i += len(w)
	return true
}

// plain marks the bytes that stand for themselves inside a string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 256; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

func (s *scanner) text() bool {
	if !s.take('"') {
		return false
	}
	b, i := s.b, s.i
	for i < len(b) {
		if plain[b[i]] {
			i++
			continue
		}
		switch b[i] {
		case '"':
			s.i = i + 1
			return true
		case '\\':
			n := escape(b[i+1:])
			if n == 0 {
				return false
			}
			i += 1 + n
		default:
			return false
		}
	}
	return false
}

// escape gives the length of the escape sequence after a backslash, 0 where it is none.
func escape(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(b) < 5 {
			return 0
		}
		for _, c := range b[1:5] {
			if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
				return 0
			}
		}
		return 5
	}
	return 0
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && '0' <= s.b[s.i] && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}
