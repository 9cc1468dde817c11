package document

import (
	"unicode/utf8"
)

// scanner is the one pass over a document. It checks everything that makes a document acceptable and notes the spans
// of the wanted places, walking the tree of places, and the shapes of earlier documents, beside the text.
type scanner struct {
	data     []byte
	spans    []span
	gen      uint32
	depth    int
	nulls    bool   // there is one
	high     uint64 // all bytes of strings, or-ed together: tells whether there is anything but ASCII
	cache    keyCache
	uncached cachedKey // stands before the keys of an object that has no shape
	keys     keyStack

	kind InputKind // of the error, set where a method gives -1
	at   int
}

func (s *scanner) document() (start, end int) {
	if len(s.data) > MaxDocument {
		return 0, s.fail(TooLong, MaxDocument)
	}
	start = s.space(0)
	if start == len(s.data) {
		return 0, s.fail(Empty, start)
	}
	end = s.value(start, rootPlace, s.cache.root)
	if end < 0 {
		return 0, end
	}
	if rest := s.space(end); rest < len(s.data) {
		return 0, s.fail(Trailing, rest)
	}
	if s.high&high != 0 && !utf8.Valid(s.data) {
		return 0, s.fail(InvalidUTF8, firstInvalid(s.data))
	}
	s.note(rootPlace, start, end)
	return start, end
}

func (s *scanner) fail(kind InputKind, at int) int {
	s.kind, s.at = kind, at
	return -1
}

func (s *scanner) note(place int32, start, end int) {
	s.spans[place] = span{int32(start), int32(end), s.gen, KindOf(s.data[start])}
}

// byteAt is the byte at i, or zero behind the end, where no JSON has one.
func byteAt(data []byte, i int) byte {
	if uint(i) < uint(len(data)) {
		return data[i]
	}
	return 0
}

// space gives the position of the next byte that is not white space, or the length of the document.
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

// value reads the value that begins at i and gives the position after it, or -1. Place is the id of the value's place,
// or noPlace; at is its shape, or nil where none is cached.
func (s *scanner) value(i int, place int32, at *shape) int {
	switch byteAt(s.data, i) {
	case '"':
		return s.text(i + 1)
	case '{':
		return s.object(i+1, place, at)
	case '[':
		return s.array(i+1, place, at)
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'n':
		s.nulls = true
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

func (s *scanner) array(i int, place int32, at *shape) int {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(TooDeep, i-1)
	}
	i = s.space(i)
	if byteAt(s.data, i) == ']' {
		s.depth--
		return i + 1
	}
	wanted := s.cache.places.elems(place)
	rest := s.cache.rest(at)
	for n := 0; ; n++ {
		elem, shape := int32(noPlace), rest
		if n < len(wanted) && wanted[n] != nil {
			elem, shape = wanted[n].id, s.cache.elem(at, n, wanted[n].id)
		}
		start := i
		if byteAt(s.data, i) == '{' {
			i = s.object(i+1, elem, shape)
		} else {
			i = s.value(i, elem, shape)
		}
		if i < 0 {
			return i
		}
		if elem != noPlace {
			s.note(elem, start, i)
		}
		i = s.space(i)
		switch byteAt(s.data, i) {
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

// colon reads the colon behind a key, with white space around it, and gives the position of the value.
func (s *scanner) colon(i int) int {
	if i = s.space(i); byteAt(s.data, i) != ':' {
		return s.fail(NotJSON, i)
	}
	return s.space(i + 1)
}
