package deadletter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"
)

// maskDepth is the greatest nesting that is shown.
const maskDepth = 64

// keyName is what a key looks like that was chosen by a programmer. Any other may itself be personal data, such as an
// address that a list of consents is keyed by.
var keyName = regexp.MustCompile(`^[A-Za-z_$@][A-Za-z0-9_$:.-]{0,63}$`)

// Masked shows the shape of a value and none of its content: of JSON the keys, and instead of every scalar its type and
// length. A key that does not look like a name is hidden too. Anything but one JSON value is hidden whole.
func Masked(value []byte) []byte {
	if value == nil {
		return []byte("null")
	}
	hidden := []byte(MaskedText(string(value)))
	if !utf8.Valid(value) {
		return hidden
	}
	in := json.NewDecoder(bytes.NewReader(value))
	in.UseNumber()
	var out bytes.Buffer
	if err := mask(in, &out, 0); err != nil {
		return hidden
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return hidden
	}
	return out.Bytes()
}

// MaskedText shows the length of a text and nothing else.
func MaskedText(text string) string {
	return fmt.Sprintf("hidden(%d bytes)", len(text))
}

var errDepth = errors.New("nested too deeply")

// mask copies the next value of in to out.
func mask(in *json.Decoder, out *bytes.Buffer, depth int) error {
	token, err := in.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		if depth == maskDepth {
			return errDepth
		}
		return maskInside(in, out, v, depth+1)
	case string:
		fmt.Fprintf(out, `"string(%d)"`, utf8.RuneCountInString(v))
	case json.Number:
		fmt.Fprintf(out, `"number(%d)"`, len(v))
	case bool:
		out.WriteString(`"boolean"`)
	default:
		out.WriteString("null")
	}
	return nil
}

// maskInside copies the members of an object or array.
func maskInside(in *json.Decoder, out *bytes.Buffer, opening json.Delim, depth int) error {
	out.WriteString(opening.String())
	for n := 0; in.More(); n++ {
		if n > 0 {
			out.WriteByte(',')
		}
		if opening == '{' {
			key, err := in.Token()
			if err != nil {
				return err
			}
			fmt.Fprintf(out, `"%s":`, maskKey(key))
		}
		if err := mask(in, out, depth); err != nil {
			return err
		}
	}
	closing, err := in.Token()
	if err != nil {
		return err
	}
	fmt.Fprint(out, closing)
	return nil
}

func maskKey(key json.Token) string {
	name, _ := key.(string)
	if keyName.MatchString(name) {
		return name
	}
	return fmt.Sprintf("key(%d)", utf8.RuneCountInString(name))
}
