package yamltree

import (
	"fmt"
	"reflect"
	"strings"
)

// list decodes a list, or a single value in place of one.
func (d *decoder) list(n *Node, v reflect.Value) {
	items := n.Items
	if n.Kind != List {
		if n.Kind != Text || !takesText(v.Type().Elem()) {
			d.fail(n, "want a list, found %s: begin each item with a dash", n.Describe())
			return
		}
		items = divided(n)
	}
	if takesText(v.Type().Elem()) {
		items = flat(items)
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.value(item, list.Index(i))
	}
	v.Set(list)
}

// A texter is a Reader for which a text may stand.
type texter interface{ FromText() }

func takesText(t reflect.Type) bool {
	return t.Kind() == reflect.String || reflect.PointerTo(t).Implements(reflect.TypeFor[texter]()) ||
		t.Kind() == reflect.Slice && takesText(t.Elem())
}

// flat has several items where ${} gave one text with commas in it.
func flat(items []*Node) (all []*Node) {
	for _, item := range items {
		if item.Expanded && strings.Contains(item.Value, ",") {
			all = append(all, divided(item)...)
			continue
		}
		all = append(all, item)
	}
	return all
}

// divided is what stands in place of a list: one text, or several with commas between them.
func divided(n *Node) (items []*Node) {
	for part := range strings.SplitSeq(n.Value, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		item := *n
		item.Value, item.Path = part, fmt.Sprintf("%s[%d]", n.Path, len(items))
		items = append(items, &item)
	}
	return items
}

func (d *decoder) entries(n *Node, v reflect.Value) {
	if n.Kind != Map {
		d.fail(n, "want a map, found %s", n.Describe())
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.Entries {
		member := reflect.New(v.Type().Elem()).Elem()
		d.value(e.Value, member)
		if member.IsValid() && (member.Kind() != reflect.Interface || !member.IsNil()) {
			v.SetMapIndex(reflect.ValueOf(e.Key.Value).Convert(v.Type().Key()), member)
		}
	}
}
