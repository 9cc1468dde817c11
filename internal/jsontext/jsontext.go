// Package jsontext writes JSON.
package jsontext

import (
	"encoding/json"
	"strings"
)

// Of is a string, a boolean, a list or a map as JSON without HTML escapes.
func Of(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings and booleans always encode
	return strings.TrimSuffix(b.String(), "\n")
}
