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

// taker is a value that is not written into a text itself, but may come into it by way of ${}.
type taker interface{ TakeExpanded(text string) }

type decoder struct{ mistake.List }

func (d *decoder) fail(n *Node, format string, args ...any) {
	d.AddCovering(n.Place, n.Covers(), format, args...)
}

func (d *decoder) value(n *Node, v reflect.Value) {
	if n.Kind == Broken {
		if own, ok := v.Addr().Interface().(Reader); ok {
			d.Join(own.ReadYAML(n)) // which notes where it stands
		}
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
	case taker:
		if n.Expanded {
			own.TakeExpanded(n.Value)
			return
		}
	}
	if own, ok := v.Addr().Interface().(unmarshaler); ok {
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
		if field, lower, ok := fieldOf(v, e.Key.Value); ok {
			value := e.Value
			if lower && value.Kind == Text {
				folded := *value
				folded.Value = strings.ToLower(strings.TrimSpace(value.Value))
				value = &folded
			}
			d.value(value, field)
			continue
		}
		d.unknown(n, e.Key, v)
	}
}

// unknown reports a key that no field has. A struct may know what people mean by it.
func (d *decoder) unknown(n, key *Node, v reflect.Value) {
	if hint := hintOf(v, key.Value); hint != "" {
		var covers []string // the keys that are to be written instead
		for _, k := range keysOf(v.Type()) {
			if strings.HasPrefix(k, key.Value) {
				covers = append(covers, mistake.Join(n.Path, k))
			}
		}
		d.AddCovering(key.Place, covers, "there is no key %s here: %s", key.Value, hint)
		return
	}
	known := keysOf(v.Type())
	slices.Sort(known)
	if meant, ok := choice.Nearest(key.Value, known); ok {
		d.AddCovering(key.Place, []string{mistake.Join(n.Path, meant)}, "there is no such key here%s",
			choice.Near(key.Value, known))
		return
	}
	d.Add(key.Place, "there is no such key here; want %s", choice.List(known))
}

// A hinter knows keys that people write and that are not its own, and says what to write instead; "" for others.
type hinter interface{ Hint(key string) string }

func hintOf(v reflect.Value, key string) string {
	if h, ok := v.Addr().Interface().(hinter); ok {
		if hint := h.Hint(key); hint != "" {
			return hint
		}
	}
	for i, f := range slices.Collect(v.Type().Fields()) {
		if _, inline := tagOf(f); inline {
			if hint := hintOf(v.Field(i), key); hint != "" {
				return hint
			}
		}
	}
	return ""
}

// fieldOf is the field that a key stands for, in a struct or in those that it holds inline, and whether capitals do not
// count in it.
func fieldOf(v reflect.Value, key string) (field reflect.Value, lower, ok bool) {
	for i, f := range slices.Collect(v.Type().Fields()) {
		name, inline := tagOf(f)
		if inline {
			if found, lower, ok := fieldOf(v.Field(i), key); ok {
				return found, lower, true
			}
		} else if name == key && name != "-" {
			return v.Field(i), strings.HasSuffix(f.Tag.Get("yaml"), ",lower"), true
		}
	}
	return reflect.Value{}, false, false
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
