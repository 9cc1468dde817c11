package yamltree

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/mistake"
)

// A Reader is a value that takes a node apart by itself. Its mistakes are joined in the error.
type Reader interface{ ReadYAML(n *Node) error }

// unmarshaler is a value that has itself decoded into others, as values of many YAML libraries do.
type unmarshaler interface {
	UnmarshalYAML(decode func(any) error) error
}

// Decode puts a tree into what into points to, over what stands there. Keys are those of the fields' yaml tags, as the
// usual libraries have them. An error holds every mistake, each with its place and path; it quotes neither a value nor
// a key, since a secret may stand there by mistake.
func Decode(n *Node, into any) error {
	var d decoder
	d.value(n, reflect.ValueOf(into).Elem())
	return d.Err()
}

// Unmarshal parses a text and decodes it.
func Unmarshal(name string, data []byte, into any) error {
	tree, err := Parse(name, data)
	if tree == nil {
		return err
	}
	return errors.Join(err, Decode(tree, into))
}

type decoder struct{ mistake.List }

func (d *decoder) fail(n *Node, format string, args ...any) { d.Add(n.Place, format, args...) }

func (d *decoder) value(n *Node, v reflect.Value) {
	if n.Kind == Broken {
		return
	}
	if v.Kind() == reflect.Pointer {
		if n.Kind != Null {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			d.value(n, v.Elem())
		}
		return
	}
	switch own := v.Addr().Interface().(type) {
	case Reader:
		d.Join(own.ReadYAML(n))
		return
	case unmarshaler:
		d.own(n, own)
		return
	}
	if n.Kind == Null {
		return // as if the key were not there
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d.duration(n, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.fields(n, v)
	case reflect.Slice:
		d.list(n, v)
	case reflect.Map:
		d.entries(n, v)
	case reflect.Interface:
		v.Set(reflect.ValueOf(n.plain()))
	default:
		d.scalar(n, v)
	}
}

// own lets a value decode itself. A mistake of its own, which has no place, is one of the whole node.
func (d *decoder) own(n *Node, v unmarshaler) {
	err := v.UnmarshalYAML(func(into any) error { return Decode(n, into) })
	for _, m := range mistake.All(err) {
		if m.Place == (mistake.Place{}) {
			m.Place = n.Place
		}
		d.Join(m)
	}
}

// fields decodes the keys of a map into the fields of a struct.
func (d *decoder) fields(n *Node, v reflect.Value) {
	if n.Kind != Map {
		d.fail(n, "want a map, found %s", n.Describe())
		return
	}
	for _, e := range n.Entries {
		if field, ok := fieldOf(v, e.Key.Value); ok {
			d.value(e.Value, field)
			continue
		}
		known := keysOf(v.Type())
		slices.Sort(known)
		d.Add(e.Key.Place, "there is no such key here%s; want %s", choice.Near(e.Key.Value, known),
			choice.List(known))
	}
}

// fieldOf is the field that a key stands for, in a struct or in those that it holds inline.
func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i, f := range slices.Collect(v.Type().Fields()) {
		name, inline := tagOf(f)
		if inline {
			if found, ok := fieldOf(v.Field(i), key); ok {
				return found, true
			}
		} else if name == key && name != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// keysOf are the keys of a struct.
func keysOf(t reflect.Type) (keys []string) {
	for f := range t.Fields() {
		switch name, inline := tagOf(f); {
		case inline:
			keys = append(keys, keysOf(f.Type)...)
		case name != "-":
			keys = append(keys, name)
		}
	}
	return keys
}

// tagOf is the key that stands for a field, "-" if there is none, and whether the field's own fields stand in its
// place.
func tagOf(f reflect.StructField) (name string, inline bool) {
	name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	switch {
	case options == "inline":
		return "", true
	case !f.IsExported():
		return "-", false
	case name == "":
		return strings.ToLower(f.Name), false
	}
	return name, false
}

// list decodes a list, or a single value in place of one.
func (d *decoder) list(n *Node, v reflect.Value) {
	items := n.Items
	if n.Kind != List {
		if v.Type().Elem().Kind() != reflect.String || n.Kind != Text {
			d.fail(n, "want a list, found %s", n.Describe())
			return
		}
		items = []*Node{n}
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		d.value(item, list.Index(i))
	}
	v.Set(list)
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
