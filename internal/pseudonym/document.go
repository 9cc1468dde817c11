package pseudonym

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/ciobridge/ciobridge/internal/jsontext"
)

// document replaces what is personal in JSON. It reports false for what is no object or list.
func (r *Replacer) document(text []byte, path []string) ([]byte, bool) {
	if begin := bytes.TrimSpace(text); len(begin) == 0 || begin[0] != '{' && begin[0] != '[' || !json.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	w := writer{Replacer: r, in: d}
	if err := w.value(path, r.below(path, false)); err != nil {
		return nil, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	return w.out.Bytes(), true
}

// writer writes a document again as it is read.
type writer struct {
	*Replacer
	in  *json.Decoder
	out bytes.Buffer
}

// value writes the next value. Personal says that it is, or is in, what the caller calls personal.
func (w *writer) value(path []string, personal bool) error {
	token, err := w.in.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		return w.inner(t, path, personal)
	case json.Number:
		w.out.WriteString(w.number(t.String(), path, personal))
	case string:
		if inner, ok := w.document([]byte(t), path); ok {
			t = string(inner)
		} else {
			t = w.text(t, path, personal)
		}
		w.out.WriteString(printable(t))
	case bool:
		w.out.WriteString(jsontext.Of(t))
	default:
		w.out.WriteString("null")
	}
	return nil
}

func (w *writer) inner(begin json.Delim, path []string, personal bool) error {
	w.out.WriteString(begin.String())
	for first := true; w.in.More(); first = false {
		if !first {
			w.out.WriteByte(',')
		}
		if begin == '[' {
			if err := w.value(path, personal); err != nil {
				return err
			}
			continue
		}
		token, err := w.in.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		w.out.WriteString(printable(w.parts(name)) + ":")
		at := append(path[:len(path):len(path)], name)
		if err := w.value(at, w.below(at, personal)); err != nil {
			return err
		}
	}
	end, err := w.in.Token()
	if err == nil {
		w.out.WriteString(end.(json.Delim).String())
	}
	return err
}

// printable is a text as JSON, in which nothing stands that an editor would not show.
func printable(s string) string {
	text := jsontext.Of(s)
	if strings.IndexFunc(text, func(c rune) bool { return c > 126 && !unicode.IsPrint(c) }) < 0 {
		return text
	}
	var out strings.Builder
	for _, c := range text {
		if c > 126 && !unicode.IsPrint(c) {
			out.WriteString(escaped(c))
			continue
		}
		out.WriteRune(c)
	}
	return out.String()
}

// escaped is a character as JSON escapes it: one beyond 16 bits has two halves.
func escaped(c rune) string {
	var out strings.Builder
	for _, half := range utf16.Encode([]rune{c}) {
		fmt.Fprintf(&out, `\u%04x`, half)
	}
	return out.String()
}
