package document

// openObject is an object whose closing brace is still to come.
type openObject struct {
	place   int32  // id, or noPlace
	number  uint32 // marks the cached keys that it has had
	at      *shape // nil where no keys are cached
	dynamic *shape // the shape, where its keys are data
	keys    openKeys
}

// object reads the object whose opening brace stands before i.
func (s *scanner) object(i int, place int32, at *shape) int {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(TooDeep, i-1)
	}
	s.cache.object++
	o := openObject{place: place, number: s.cache.object, keys: s.keys.open()}
	before := &s.uncached
	switch {
	case at == nil:
	case at.dynamic:
		o.dynamic = at
	default:
		o.at, before = at, &at.start
	}
	if after := s.space(i); byteAt(s.data, after) == '}' {
		i = after + 1
	} else if i = s.members(i, &o, before); len(s.keys.keys) > o.keys.first {
		i = s.close(&o, i)
	}
	s.depth--
	return i
}

// members reads the members of an object, of which there is one at least, and gives the position after its closing
// brace. Before is the cached key that stands before them.
func (s *scanner) members(i int, o *openObject, before *cachedKey) int {
	data := s.data
	for {
		k := before.next[0]
		var place int32
		if k != nil && i+int(k.reach) <= len(data) && k.ends(data, i) && k.object != o.number &&
			(k.length <= 16 || k.middle(data, i)) {
			k.object = o.number
			i += int(k.length)
			place = k.place
		} else if o.at == nil {
			place, i = s.uncachedKey(i, o)
		} else {
			k, place, i = s.key(i, o, before)
		}
		if i < 0 {
			return i
		}
		start := i
		switch c := byteAt(data, i); {
		case c == '"':
			if i++; i+16 < len(data) { // the beginning of text, which is all of most strings
				x, y := word(data, i), word(data, i+8)
				s.high |= x | y
				if i += firstMark(special(x), special(y)); data[i] == '"' {
					i++
					break
				}
			}
			i = s.text(i)
		case c-'0' < 10:
			i = s.number(i)
		case c == '{':
			i = s.object(i+1, place, s.inside(k, place, o))
		case c == '[' || c <= ' ':
			start = s.space(i)
			i = s.value(start, place, s.inside(k, place, o))
		default:
			i = s.value(i, place, nil)
		}
		if i < 0 {
			return i
		}
		if place != noPlace {
			s.note(place, start, i)
		}
		if k != nil {
			before = k
		}
		if byteAt(data, i) != ',' {
			if i = s.space(i); byteAt(data, i) == '}' {
				return i + 1
			}
			if byteAt(data, i) != ',' {
				return s.fail(NotJSON, i)
			}
		}
		i++
	}
}

// inside gives the shape of the value of a key, or nil where none is cached.
func (s *scanner) inside(k *cachedKey, place int32, o *openObject) *shape {
	switch {
	case k != nil:
		return s.cache.inside(k)
	case o.dynamic != nil && place == noPlace:
		return s.cache.values(o.dynamic)
	}
	return nil
}

// key reads a key that was not the expected one, with its colon, and gives the position of its value. K is nil where
// the key is not cached.
func (s *scanner) key(i int, o *openObject, before *cachedKey) (k *cachedKey, place int32, value int) {
	if k = before.next[1]; k != nil && k.matches(s.data, i) && k.object != o.number {
		k.came(o.number, before)
		return k, k.place, i + int(k.length)
	}
	start := s.space(i)
	if byteAt(s.data, start) != '"' {
		return nil, 0, s.fail(NotJSON, start)
	}
	name, end := s.name(start + 1)
	if end < 0 {
		return nil, 0, end
	}
	if k = o.at.find(name.hash, s.keys.bytes(name)); k == nil {
		return s.newKey(i, start, end, o, before, name)
	}
	if k.object == o.number {
		return nil, 0, s.fail(DuplicateKey, start)
	}
	if value = s.colon(end); value >= 0 && name.start >= 0 {
		k.spell(s.data[i:value], start+1-i, end-1-i)
	}
	k.came(o.number, before)
	return k, k.place, value
}

// newKey is the rest of key for a name that is not cached.
func (s *scanner) newKey(i, start, end int, o *openObject, before *cachedKey, name seenKey) (k *cachedKey, place int32,
	value int) {
	if len(s.keys.keys) == o.keys.first && name.start >= 0 {
		if value = s.colon(end); value < 0 {
			return nil, 0, value
		}
		if k = s.cache.learn(o.at, name.hash, s.data[i:value], start+1-i, end-1-i); k != nil {
			k.came(o.number, before)
			return k, k.place, value
		}
	}
	place, value = s.pushKey(start, end, o, name)
	return nil, place, value
}

// uncachedKey is key for an object whose keys are not cached.
func (s *scanner) uncachedKey(i int, o *openObject) (place int32, value int) {
	if i = s.space(i); byteAt(s.data, i) != '"' {
		return 0, s.fail(NotJSON, i)
	}
	name, end := s.name(i + 1)
	if end < 0 {
		return 0, end
	}
	return s.pushKey(i, end, o, name)
}

// pushKey puts a key on the stack, where it did not come before, and reads its colon.
func (s *scanner) pushKey(start, end int, o *openObject, name seenKey) (place int32, value int) {
	if o.keys.maybe(name.hash) && s.keys.repeats(o.keys.first, name) {
		return 0, s.fail(DuplicateKey, start)
	}
	name.quote = int32(start)
	s.keys.keys = append(s.keys.keys, name)
	if place = noPlace; o.place != noPlace {
		place = s.cache.places.places[o.place].child(name.hash, s.keys.bytes(name))
	}
	if byteAt(s.data, end) == ':' && byteAt(s.data, end+1) > ' ' {
		return place, end + 1
	}
	return place, s.colon(end)
}

// close forgets the keys that are not cached, of which the object has had some, and refuses the object where one came
// twice. End is the place after it, or -1 where it was refused for what stands behind those keys.
func (s *scanner) close(o *openObject, end int) int {
	keys := s.keys.keys[o.keys.first:]
	s.keys.keys = s.keys.keys[:o.keys.first]
	if again := s.keys.again(keys); again != nil {
		return s.fail(DuplicateKey, int(again.quote))
	}
	return end
}
