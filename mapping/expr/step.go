package expr

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
	"github.com/ciobridge/ciobridge/mapping/expr/limits"
)

// at gives the value at a wanted place of the document, null where jq gives null, and jq's error where a step does
// not fit what is there.
func (d *Document) at(n *document.Place) (Value, error) {
	if v, ok := d.doc.At(n.ID()); ok {
		return v, nil
	}
	above, err := d.at(n.Parent())
	if err != nil {
		return Value{}, err
	}
	if above.Kind == Object && n.Step().Key || above.Kind == Array && !n.Step().Key {
		return document.NullValue, nil // the pass over the document would have found it
	}
	return d.into(above, n.Step())
}

// step pays for a step and takes it.
func (d *Document) step(v Value, st document.Step) (Value, error) {
	if err := d.payToRead(v); err != nil {
		return Value{}, err
	}
	return d.into(v, st)
}

// into takes one step into v as jq does.
func (d *Document) into(v Value, st document.Step) (Value, error) {
	switch {
	case v.Kind == Null:
		return document.NullValue, nil
	case st.Key && v.Kind == Object:
		return document.MemberOf(v.Raw, st.Name), nil
	case !st.Key && v.Kind == Array:
		return document.ElemOf(v.Raw, st.Index), nil
	case !st.Key && v.Kind == String:
		return d.runeOf(v, st.Index), nil
	}
	return Value{}, limits.Failedf("cannot index %s with a %s", document.Article(v.Kind), st)
}

func (d *Document) runeOf(v Value, i int) Value {
	text := d.text(v)
	if i < 0 {
		i += utf8.RuneCount(text)
	}
	if i < 0 {
		return document.NullValue
	}
	for len(text) > 0 {
		_, n := utf8.DecodeRune(text)
		if i--; i < 0 {
			return d.quoted(text[:n])
		}
		text = text[n:]
	}
	return document.NullValue
}

type memberValue struct {
	key   []byte
	value Value
}

func sortedMembers(raw []byte) []memberValue {
	var members []memberValue
	for i := document.SkipSpace(raw, 1); raw[i] != '}'; {
		key, v, next := document.ReadMember(raw, i)
		members = append(members, memberValue{document.AppendUnquoted(nil, key), v})
		i = next
	}
	slices.SortFunc(members, func(x, y memberValue) int { return bytes.Compare(x.key, y.key) })
	return members
}
