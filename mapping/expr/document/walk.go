package document

import (
	"bytes"
	"iter"
	"math/bits"
)

// The functions below walk text that was validated before.

// SkipSpace gives the position of the next byte that is not white space.
func SkipSpace(raw []byte, i int) int {
	for raw[i] <= ' ' {
		i++
	}
	return i
}

// SkipString gives the position after the string whose opening quote stands at i.
func SkipString(raw []byte, i int) int {
	for i++; ; i++ {
		for ; i+8 <= len(raw); i += 8 {
			if marks := special(word(raw, i)); marks != 0 {
				i += bits.TrailingZeros64(marks) >> 3
				break
			}
		}
		switch raw[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
}

// SkipValue gives the position after the value that begins at i.
func SkipValue(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		return SkipString(raw, i)
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
			i = SkipString(raw, i)
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

// ValueAt is the value that stands between two positions.
func ValueAt(raw []byte, start, end int) Value { return Value{KindOf(raw[start]), raw[start:end]} }

// MemberOf finds a key of an object; null where it has none.
func MemberOf(raw []byte, name string) Value {
	for i := SkipSpace(raw, 1); raw[i] != '}'; {
		var key []byte
		var v Value
		key, v, i = ReadMember(raw, i)
		if sameKey(key, name) {
			return v
		}
	}
	return NullValue
}

// ReadMember reads the member of an object whose key begins at i, and gives the position of the next key or of the
// closing brace. Key is the text between the quotes, escapes and all.
func ReadMember(raw []byte, i int) (key []byte, v Value, next int) {
	end := SkipString(raw, i)
	key = raw[i+1 : end-1]
	start := SkipSpace(raw, SkipSpace(raw, end)+1)
	end = SkipValue(raw, start)
	return key, ValueAt(raw, start, end), SkipComma(raw, end)
}

// Members goes through the members of an object, in the order in which they are written.
type Members struct {
	Key   []byte // between the quotes, escapes and all
	Head  []byte // the key with its quotes and the colon, up to the value
	Value Value

	raw []byte
	at  int
}

// MembersOf begins before the first member of an object.
func MembersOf(object Value) Members { return Members{raw: object.Raw, at: SkipSpace(object.Raw, 1)} }

// Next goes to the next member and reports whether there is one.
func (m *Members) Next() bool {
	if m.raw[m.at] == '}' {
		return false
	}
	end := SkipString(m.raw, m.at)
	start := SkipSpace(m.raw, SkipSpace(m.raw, end)+1)
	m.Key, m.Head = m.raw[m.at+1:end-1], m.raw[m.at:start]
	end = SkipValue(m.raw, start)
	m.Value, m.at = ValueAt(m.raw, start, end), SkipComma(m.raw, end)
	return true
}

// ElementsOf gives the elements of an array in their order.
func ElementsOf(array Value) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for i := SkipSpace(array.Raw, 1); array.Raw[i] != ']'; {
			end := SkipValue(array.Raw, i)
			if !yield(ValueAt(array.Raw, i, end)) {
				return
			}
			i = SkipComma(array.Raw, end)
		}
	}
}

// Find gives what a step leads to, and reports whether it is there. A member that is null is there.
func Find(v Value, st Step) (Value, bool) {
	switch {
	case st.Key && v.Kind == Object:
		for m := MembersOf(v); m.Next(); {
			if sameKey(m.Key, st.Name) {
				return m.Value, true
			}
		}
	case !st.Key && v.Kind == Array:
		if n := CountElems(v.Raw); st.Index < n && st.Index >= -n {
			return ElemOf(v.Raw, st.Index), true
		}
	}
	return Value{}, false
}

// SkipComma gives the position of what stands behind the comma at i or after it, or of the closing bracket.
func SkipComma(raw []byte, i int) int {
	if i = SkipSpace(raw, i); raw[i] == ',' {
		i = SkipSpace(raw, i+1)
	}
	return i
}

func sameKey(key []byte, name string) bool {
	if bytes.IndexByte(key, '\\') < 0 {
		return string(key) == name
	}
	return string(AppendUnquoted(nil, key)) == name
}

// ElemOf gives an element of an array, from the end where i is negative; null outside it.
func ElemOf(raw []byte, i int) Value {
	if i < 0 {
		if i += CountElems(raw); i < 0 {
			return NullValue
		}
	}
	for at := SkipSpace(raw, 1); raw[at] != ']'; i-- {
		start := at
		end := SkipValue(raw, start)
		if i == 0 {
			return ValueAt(raw, start, end)
		}
		at = SkipComma(raw, end)
	}
	return NullValue
}

// CountElems is the number of elements of an array.
func CountElems(raw []byte) int {
	n := 0
	for at := SkipSpace(raw, 1); raw[at] != ']'; n++ {
		at = SkipComma(raw, SkipValue(raw, at))
	}
	return n
}

// CountMembers is the number of members of an object.
func CountMembers(raw []byte) int {
	n := 0
	for at := SkipSpace(raw, 1); raw[at] != '}'; n++ {
		_, _, at = ReadMember(raw, at)
	}
	return n
}
