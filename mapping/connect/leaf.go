package connect

import (
	"encoding/base64"

	"github.com/ciobridge/ciobridge/internal/logical"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// appendLeaf writes a value that the schema gives another form than JSON has.
func (t *Type) appendLeaf(dst []byte, v document.Value) ([]byte, error) {
	switch t.form {
	case decimal:
		if v.Kind == document.String {
			return appendDecimal(dst, v, t.scale)
		}
	case variableDecimal:
		if v.Kind == document.Object {
			return appendVariable(dst, v)
		}
	default:
		if n, ok := v.Int64(); ok {
			if out, ok := t.unit.Append(append(dst, '"'), n); ok {
				return append(out, '"'), nil
			}
		}
	}
	return append(dst, v.Raw...), nil
}

// appendVariable writes the struct of a decimal that brings its scale along.
func appendVariable(dst []byte, v document.Value) ([]byte, error) {
	scale, ok := document.MemberOf(v.Raw, "scale").Int64()
	unscaled := document.MemberOf(v.Raw, "value")
	if !ok || scale > logical.MaxScale || scale < -logical.MaxScale || unscaled.Kind != document.String {
		return dst, &ValueError{Problem: "is no decimal with a usable scale"}
	}
	return appendDecimal(dst, unscaled, int(scale))
}

// appendDecimal writes a decimal as a number with all of its digits, also zeros at the end. Its text is the base64 of
// the digits without their point, in two's complement with the highest byte first.
func appendDecimal(dst []byte, v document.Value, scale int) ([]byte, error) {
	var room [64]byte
	text := v.AppendString(room[:0])
	if base64.StdEncoding.DecodedLen(len(text)) > logical.MaxUnscaled+2 {
		return dst, &ValueError{Problem: "is a decimal of more than 1,000 bytes"}
	}
	var roomOfBytes [48]byte
	unscaled, err := base64.StdEncoding.AppendDecode(roomOfBytes[:0], text)
	if err != nil || len(unscaled) == 0 {
		return dst, &ValueError{Problem: "is a decimal by its schema, and no bytes in base64"}
	}
	out, err := logical.AppendDecimal(dst, unscaled, scale)
	if err != nil {
		return dst, &ValueError{Problem: err.Error()}
	}
	return out, nil
}

// AppendMillis writes a moment in unix milliseconds as RFC 3339 has it, and reports false where it has none.
func AppendMillis(dst []byte, ms int64) ([]byte, bool) { return logical.Millis.Append(dst, ms) }
