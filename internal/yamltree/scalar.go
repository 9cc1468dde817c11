package yamltree

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

func (d *decoder) duration(n *Node, v reflect.Value) {
	length, err := time.ParseDuration(n.Value)
	if n.scalar() != Text || err != nil {
		d.fail(n, "want a duration with its unit, such as 30s, 5m or 1h30m; a day is 24h")
		return
	}
	v.SetInt(int64(length))
}

func (d *decoder) scalar(n *Node, v reflect.Value) {
	kind := n.scalar()
	switch v.Kind() {
	case reflect.String:
		if n.Kind != Text && (n.Kind != Number || !json.Valid([]byte(n.Value))) {
			d.fail(n, "want a text, found %s: quote it if it is meant as one", n.Describe())
			return
		}
		v.SetString(n.Value)
	case reflect.Bool:
		if kind != Bool {
			d.fail(n, "want true or false, found %s", describe(n))
			return
		}
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Int, reflect.Int64:
		whole, err := strconv.ParseInt(n.Value, 10, 64)
		if kind != Number || err != nil || v.OverflowInt(whole) {
			d.fail(n, "want a whole number in decimal, without a unit, found %s", describe(n))
			return
		}
		v.SetInt(whole)
	case reflect.Float64:
		number, err := strconv.ParseFloat(n.Value, 64)
		if kind != Number || err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
			d.fail(n, "want a number in decimal, without a unit, found %s", describe(n))
			return
		}
		v.SetFloat(number)
	default:
		panic(fmt.Sprintf("yamltree: cannot decode into a %s", v.Type()))
	}
}

// describe says what a scalar is where another kind is wanted.
func describe(n *Node) string {
	switch {
	case n.scalar() == Number:
		return "one with a fraction or in another form"
	case n.Expanded:
		return "what ${} gave"
	}
	return n.Describe()
}

// plain is a node as values without types. A number stays the text that was written.
func (n *Node) plain() any {
	switch n.Kind {
	case List:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			list[i] = item.plain()
		}
		return list
	case Map:
		members := map[string]any{}
		for _, e := range n.Entries {
			members[e.Key.Value] = e.Value.plain()
		}
		return members
	case Bool:
		return strings.EqualFold(n.Value, "true")
	}
	return n.Value
}
