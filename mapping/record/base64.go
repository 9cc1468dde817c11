package record

import (
	"bytes"
	"encoding/base64"
)

// fromBase64 gives what a text has in base64, if that is packed, or is in base64 again and so on to what is; else nil.
func fromBase64(text []byte) []byte {
	var outermost []byte
	for range maxLayers {
		if text = decodeBase64(text); text == nil {
			return nil
		}
		if outermost == nil {
			outermost = text
		}
		if text = TrimSpace(text); isPacked(text) {
			return outermost
		}
	}
	return nil
}

// decodeBase64 decodes a text in either alphabet, or gives nil.
func decodeBase64(text []byte) []byte {
	if len(text) < 4 || len(text) > 2*maxOpened {
		return nil
	}
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	out, err := encoding.AppendDecode(nil, bytes.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	return out
}
