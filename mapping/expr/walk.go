package expr

import (
	"bytes"
	"unicode/utf8"
)

// step is one step of a path: a key of an object, or an index of an array or string, from the end where negative.
type step struct {
	name  string
	index int
	key   bool // whether name counts rather than index
}

func (st step) String() string {
	if st.key {
		return "string"
	}
	return "number"
}

// at gives the value at a wanted place of the document, null where jq gives null, and jq's error where a step does not fit
// what is there.
func (d *Document) at(n *node) (Value, error) {
	sp := &d.spans[n.id]
	if sp.gen == d.gen {
		return Value{sp.kind, d.raw[sp.start:sp.end]}, nil
	}
	above, err := d.at(n.parent)
	if err != nil {
		return Value{}, err
	}
	if above.Kind == Object && n.step.key || above.Kind == Array && !n.step.key {
		return null, nil // the pass over the document would have found it
	}
	return d.into(above, n.step)
}

// step pays for a step and takes it.
func (d *Document) step(v Value, st step) (Value, error) {
	if err := d.payToRead(v); err != nil {
		return Value{}, err
	}
	return d.into(v, st)
}

// into takes one step into v as jq does.
func (d *Document) into(v Value, st step) (Value, error) {
	switch {
	case v.Kind == Null:
		return null, nil
	case st.key && v.Kind == Object:
		return fieldOf(v.Raw, st.name), nil
	case !st.key && v.Kind == Array:
		return elemOf(v.Raw, st.index), nil
	case !st.key && v.Kind == String:
		return d.runeOf(v, st.index), nil
	}
	return Value{}, failedf("cannot index %s with a %s", article(v.Kind), st)
}

func (d *Document) runeOf(v Value, i int) Value {
	text := d.text(v)
	if i < 0 {
		i += utf8.RuneCount(text)
	}
	if i < 0 {
		return null
	}
	for len(text) > 0 {
		_, n := utf8.DecodeRune(text)
		if i--; i < 0 {
			return d.quoted(text[:n])
		}
		text = text[n:]
	}
	return null
}

// The functions below walk text that was validated before.

func skipSpace(raw []byte, i int) int {
	for raw[i] <= ' ' {
		i++
	}
	return i
}

// skipString gives the place after the string whose opening quote stands at i.
func skipString(raw []byte, i int) int {
	for i++; ; i++ {
		switch raw[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
}

// skipValue gives the place after the value that begins at i.
func skipValue(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		return skipString(raw, i)
	case '{', '[':
		return skipNested(raw, i)
	}
	for i < len(raw) && raw[i] > ' ' && raw[i] != ',' && raw[i] != ']' && raw[i] != '}' {
		i++
	}
	return i
}

func skipNested(raw []byte, i int) int {
	for depth := 0; ; {
		switch raw[i] {
		case '"':
			i = skipString(raw, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if i++; depth == 0 {
			return i
		}
	}
}

func valueAt(raw []byte, start, end int) Value { return Value{kindOf[raw[start]], raw[start:end]} }

// fieldOf finds a key of an object; null where it has none.
func fieldOf(raw []byte, name string) Value {
	for i := skipSpace(raw, 1); raw[i] != '}'; {
		var key []byte
		var v Value
		key, v, i = member(raw, i)
		if sameKey(key, name) {
			return v
		}
	}
	return null
}

// member reads the member of an object whose key begins at i, and gives the place of the next key or of the closing brace. Key
// is the text between the quotes, escapes and all.
func member(raw []byte, i int) (key []byte, v Value, next int) {
	end := skipString(raw, i)
	key = raw[i+1 : end-1]
	start := skipSpace(raw, skipSpace(raw, end)+1)
	end = skipValue(raw, start)
	return key, valueAt(raw, start, end), skipComma(raw, end)
}

func skipComma(raw []byte, i int) int {
	if i = skipSpace(raw, i); raw[i] == ',' {
		i = skipSpace(raw, i+1)
	}
	return i
}

func sameKey(key []byte, name string) bool {
	if bytes.IndexByte(key, '\\') < 0 {
		return string(key) == name
	}
	return string(appendUnquoted(nil, key)) == name
}

// elemOf gives an element of an array, from the end where i is negative; null outside it.
func elemOf(raw []byte, i int) Value {
	if i < 0 {
		if i += countElems(raw); i < 0 {
			return null
		}
	}
	for at := skipSpace(raw, 1); raw[at] != ']'; i-- {
		start := at
		end := skipValue(raw, start)
		if i == 0 {
			return valueAt(raw, start, end)
		}
		at = skipComma(raw, end)
	}
	return null
}

func countElems(raw []byte) int {
	n := 0
	for at := skipSpace(raw, 1); raw[at] != ']'; n++ {
		at = skipComma(raw, skipValue(raw, at))
	}
	return n
}

func countMembers(raw []byte) int {
	n := 0
	for at := skipSpace(raw, 1); raw[at] != '}'; n++ {
		_, _, at = member(raw, at)
	}
	return n
}
