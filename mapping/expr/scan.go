package expr

import "unicode/utf8"

// scanner is the one pass over a document. It checks everything that makes a document acceptable and notes the spans of the
// wanted places, walking the nodes of the set beside the text so that only objects on the way to a wanted place look keys up.
type scanner struct {
	data  []byte
	spans []span
	gen   uint32
	depth int
	high  uint64 // all bytes of strings, or-ed together: tells whether there is anything but ASCII
	keys  keyStack

	kind InputKind // of the error, set where a method gives -1
	at   int
}

func (d *Document) parse(root *node) error {
	s := &d.scan
	s.data, s.spans, s.gen = d.raw, d.spans, d.gen
	s.depth, s.high = 0, 0
	s.keys.reset(d.raw)
	start, end := s.document(root)
	s.data, s.keys.data = nil, nil
	if end < 0 {
		return &InputError{s.kind, s.at}
	}
	d.root = Value{kindOf[d.raw[start]], d.raw[start:end]}
	return nil
}

func (s *scanner) document(root *node) (start, end int) {
	if len(s.data) > MaxDocument {
		return 0, s.fail(TooLong, MaxDocument)
	}
	start = s.space(0)
	if start == len(s.data) {
		return 0, s.fail(Empty, start)
	}
	end = s.value(start, root)
	if end < 0 {
		return 0, end
	}
	if rest := s.space(end); rest < len(s.data) {
		return 0, s.fail(Trailing, rest)
	}
	if s.high&high != 0 && !utf8.Valid(s.data) {
		return 0, s.fail(InvalidUTF8, firstInvalid(s.data))
	}
	s.note(root, start, end)
	return start, end
}

func (s *scanner) fail(kind InputKind, at int) int {
	s.kind, s.at = kind, at
	return -1
}

func (s *scanner) note(n *node, start, end int) {
	s.spans[n.id] = span{int32(start), int32(end), s.gen, kindOf[s.data[start]]}
}

var kindOf = [256]Kind{
	'n': Null, 'f': False, 't': True, '"': String, '[': Array, '{': Object, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number, '5': Number, '6': Number, '7': Number, '8': Number, '9': Number,
}

// byteAt is the byte at i, or zero behind the end, where no JSON has one.
func byteAt(data []byte, i int) byte {
	if uint(i) < uint(len(data)) {
		return data[i]
	}
	return 0
}

// space gives the place of the next byte that is not white space, or the length of the document.
func (s *scanner) space(i int) int {
	for i < len(s.data) {
		switch s.data[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// value reads the value that begins at i and gives the place after it, or -1. N is nil where nothing inside it is wanted.
func (s *scanner) value(i int, n *node) int {
	if i >= len(s.data) {
		return s.fail(NotJSON, i)
	}
	switch s.data[i] {
	case '"':
		return s.text(i + 1)
	case '{':
		return s.object(i+1, n)
	case '[':
		return s.array(i+1, n)
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'n':
		return s.word(i, "null")
	}
	return s.number(i)
}

func (s *scanner) word(i int, w string) int {
	if len(s.data)-i < len(w) || string(s.data[i:i+len(w)]) != w {
		return s.fail(NotJSON, i)
	}
	return i + len(w)
}

func (s *scanner) array(i int, n *node) int {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(TooDeep, i-1)
	}
	i = s.space(i)
	if i < len(s.data) && s.data[i] == ']' {
		s.depth--
		return i + 1
	}
	var elems []*node
	if n != nil {
		elems = n.elems
	}
	for k := 0; ; k++ {
		var child *node
		if k < len(elems) {
			child = elems[k]
		}
		start := i
		if i = s.value(i, child); i < 0 {
			return i
		}
		if child != nil {
			s.note(child, start, i)
		}
		i = s.space(i)
		if i >= len(s.data) {
			return s.fail(NotJSON, i)
		}
		switch s.data[i] {
		case ',':
			i = s.space(i + 1)
		case ']':
			s.depth--
			return i + 1
		default:
			return s.fail(NotJSON, i)
		}
	}
}

func (s *scanner) object(i int, n *node) int {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(TooDeep, i-1)
	}
	i = s.space(i)
	if byteAt(s.data, i) == '}' {
		i++
	} else if i = s.members(i, n); i < 0 {
		return i
	}
	s.depth--
	return i
}

// members reads the members of an object, of which there is one at least, and its closing brace.
func (s *scanner) members(i int, n *node) int {
	data := s.data
	wanted := n != nil && len(n.table) > 0
	keys := s.keys.open()
	for {
		if byteAt(data, i) != '"' {
			return s.fail(NotJSON, i)
		}
		key, next := s.key(i + 1)
		if next < 0 {
			return next
		}
		if keys.maybe(key.hash) && s.keys.repeats(keys.first, key) {
			return s.fail(DuplicateKey, i)
		}
		s.keys.keys = append(s.keys.keys, key)
		if i = next; byteAt(data, i) == ':' && byteAt(data, i+1) > ' ' {
			i++
		} else if i = s.colon(i); i < 0 {
			return i
		}
		var child *node
		if wanted {
			child = n.child(key.hash, s.keys.bytes(key))
		}
		start := i
		switch c := byteAt(data, i); {
		case c == '"':
			i = s.text(i + 1)
		case c-'0' < 10:
			i = s.number(i)
		default:
			i = s.value(i, child)
		}
		if i < 0 {
			return i
		}
		if child != nil {
			s.note(child, start, i)
		}
		c := byteAt(data, i)
		if c <= ' ' {
			i = s.space(i)
			c = byteAt(data, i)
		}
		if c == '}' {
			break
		}
		if c != ',' {
			return s.fail(NotJSON, i)
		}
		if i++; byteAt(data, i) <= ' ' {
			i = s.space(i)
		}
	}
	if !s.keys.close(&keys) {
		return s.fail(DuplicateKey, i)
	}
	return i + 1
}

// colon reads the colon behind a key, with white space around it, and gives the place of the value.
func (s *scanner) colon(i int) int {
	if i = s.space(i); byteAt(s.data, i) != ':' {
		return s.fail(NotJSON, i)
	}
	return s.space(i + 1)
}
