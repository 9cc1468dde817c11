package record

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"sync"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// Bounds of what is taken out of its wrapping.
const (
	maxOpened = document.MaxDocument
	maxLayers = 8
	maxWindow = 8 << 20 // of zstd, which its standard wants every decoder to have
)

// Error says why a wrapping cannot be taken off. It quotes nothing.
type Error struct {
	TooLong bool // what comes out is longer than a document may be
	Detail  string
}

// Error is the detail.
func (e *Error) Error() string { return e.Detail }

var (
	errTooLong = &Error{true, "is longer than 1 MiB when it is unpacked"}
	errLayers  = &Error{Detail: "is wrapped more than 8 times"}
	errWindow  = &Error{Detail: "is compressed with a window of more than 8 MiB"}
)

// Opener takes off what wraps a document. The zero Opener is ready for use; it is for one goroutine at a time.
type Opener struct {
	buffers [2][]byte // a layer is read from one and written to the other
	next    int
	gzip    gzip.Reader
	text    document.Document
}

// Open gives the document within a value, or within the text of a string: the value itself where nothing wraps it. In
// base64 there must be a document, or something that is wrapped itself: any other text is left as it is. What it
// returns is valid until the next Open, or as long as the value is. An error is an *Error.
func (o *Opener) Open(value []byte) ([]byte, error) {
	for range maxLayers {
		inside, err := o.layer(value)
		switch {
		case err != nil:
			return nil, err
		case inside == nil:
			return value, nil
		}
		value = inside
	}
	return nil, errLayers
}

// layer takes the outermost layer off. It gives nil where there is none.
func (o *Opener) layer(value []byte) ([]byte, error) {
	switch f := formOf(value); f {
	case formGzip, formZlib, formZstd:
		return o.inflate(f, value)
	case formMark:
		return value[len(byteOrderMark):], nil
	case formUTF16:
		return o.fromUTF16(value)
	}
	if cut := bytes.TrimRight(value, "\x00"); len(cut) < len(value) && len(cut) > 0 {
		return cut, nil
	}
	trimmed := TrimSpace(value)
	switch {
	case len(trimmed) == 0 || trimmed[0] == '{' || trimmed[0] == '[':
		return nil, nil
	case trimmed[0] == '"':
		return o.unquote(trimmed), nil
	}
	inside := fromBase64(trimmed)
	if inside != nil {
		o.keep(inside)
	}
	return inside, nil
}

// unquote gives the text of a JSON string that is a document or has one in base64, or nil.
func (o *Opener) unquote(value []byte) []byte {
	if o.text.Parse(nowhere, value) != nil || o.text.Root().Kind != document.String {
		return nil
	}
	text := document.AppendUnquoted(o.buffer(), value[1:len(value)-1])
	inside := TrimSpace(text)
	if !isPacked(inside) && fromBase64(inside) == nil {
		return nil
	}
	o.keep(text)
	return inside
}

// isPacked reports whether a text begins as a document does, or as what may have one in it.
func isPacked(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	return beginsDocument(text[0]) || formOf(text) != formUnknown
}

var nowhere = func() *document.Places {
	p := document.NewPlaces()
	p.Seal()
	return p
}()

// zstdReader decodes whole values, for several goroutines at a time. A value that was written as a stream has a window
// of megabytes, however short it is.
var zstdReader = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxWindow))
})

// inflate decompresses a value.
func (o *Opener) inflate(f form, value []byte) ([]byte, error) {
	var reader io.Reader
	var err error
	switch f {
	case formZstd:
		return o.inflateZstd(value)
	case formZlib:
		reader, err = zlib.NewReader(bytes.NewReader(value))
	default:
		err = o.gzip.Reset(bytes.NewReader(value))
		reader = &o.gzip
	}
	if err != nil {
		return nil, broken(f)
	}
	out := bytes.NewBuffer(o.buffer())
	n, err := io.Copy(out, io.LimitReader(reader, maxOpened+1))
	switch {
	case n > maxOpened:
		return nil, errTooLong
	case err != nil:
		return nil, broken(f)
	}
	return o.keep(notNil(out.Bytes())), nil
}

func (o *Opener) inflateZstd(value []byte) ([]byte, error) {
	decoder, err := zstdReader()
	if err != nil {
		return nil, broken(formZstd)
	}
	out, err := decoder.DecodeAll(value, o.buffer())
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, errWindow
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), len(out) > maxOpened:
		return nil, errTooLong
	case err != nil:
		return nil, broken(formZstd)
	}
	return o.keep(notNil(out)), nil
}

func broken(f form) error {
	return &Error{Detail: "begins as " + f.name() + " does, and cannot be unpacked"}
}

// fromUTF16 gives text of UTF-16 as UTF-8.
func (o *Opener) fromUTF16(value []byte) ([]byte, error) {
	if len(value) > 2*maxOpened {
		return nil, errTooLong
	}
	high, low := 1, 0 // little-endian
	if value[0] == 0 || value[0] == 0xfe {
		high, low = 0, 1
	}
	out := o.buffer()
	for i := 0; i+1 < len(value); i += 2 {
		r := rune(value[i+high])<<8 | rune(value[i+low])
		if utf16.IsSurrogate(r) && i+3 < len(value) {
			if pair := utf16.DecodeRune(r, rune(value[i+2+high])<<8|rune(value[i+2+low])); pair != utf8.RuneError {
				r, i = pair, i+2
			}
		}
		if r != 0xfeff || i > 0 {
			out = utf8.AppendRune(out, r)
		}
	}
	if len(value)%2 != 0 || bytes.ContainsRune(out, utf8.RuneError) {
		return nil, broken(formUTF16)
	}
	return o.keep(notNil(out)), nil
}

// Kept is how much memory the opener keeps for the next value.
func (o *Opener) Kept() int { return cap(o.buffers[0]) + cap(o.buffers[1]) }

// buffer gives the buffer for the next layer.
func (o *Opener) buffer() []byte {
	return o.buffers[o.next][:0]
}

// keep notes that the buffer holds a layer, so that the one after it is written to the other.
func (o *Opener) keep(out []byte) []byte {
	o.buffers[o.next] = out
	o.next = 1 - o.next
	return out
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
