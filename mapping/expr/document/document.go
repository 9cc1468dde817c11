package document

// Document is one parsed message. It is reusable, keeps its memory, and is not for concurrent use.
//
// Parse reads a message once. It refuses what is not a strict JSON document, and notes where the wanted values stand.
// A value that a Document gives is a part of the message, and is valid until the next Parse. What stays from one
// message to the next is memory, and the key cache, which makes a message cheaper that has the keys of the one before
// it.
type Document struct {
	raw   []byte
	root  Value
	spans []span // by the id of the place
	gen   uint32 // spans of an older generation belong to an earlier document
	scan  scanner
}

// span is where a wanted value stands in the document.
type span struct {
	start, end int32
	gen        uint32
	kind       Kind
}

// Parse validates raw and notes the position of every value at a place of s. It reads raw once and keeps it: raw must
// not change while the document is in use. Values given out before become invalid. An error is an *InputError.
func (d *Document) Parse(s *Places, raw []byte) error {
	if !s.sealed {
		panic("document: Parse before Seal")
	}
	d.raw, d.root = raw, Value{}
	if len(d.spans) < len(s.places) {
		d.spans = make([]span, len(s.places))
	}
	if d.gen++; d.gen == 0 {
		clear(d.spans)
		d.gen = 1
	}
	return d.parse(s)
}

func (d *Document) parse(places *Places) error {
	s := &d.scan
	s.data, s.spans, s.gen = d.raw, d.spans, d.gen
	s.cache.begin(places)
	s.depth, s.high, s.nulls = 0, 0, false
	s.keys.reset(d.raw)
	start, end := s.document()
	s.data, s.keys.data = nil, nil
	if end < 0 {
		return &InputError{s.kind, s.at}
	}
	d.root = Value{KindOf(d.raw[start]), d.raw[start:end]}
	return nil
}

// Root is the whole document.
func (d *Document) Root() Value { return d.root }

// HasNull reports whether a null stands anywhere in the document.
func (d *Document) HasNull() bool { return d.scan.nulls }

// At gives the value at the place with that id; ok is false where the document has none there.
func (d *Document) At(id int32) (v Value, ok bool) {
	sp := &d.spans[id]
	if sp.gen != d.gen {
		return Value{}, false
	}
	return Value{sp.kind, d.raw[sp.start:sp.end]}, true
}
