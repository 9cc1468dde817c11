package avro

import (
	stdbinary "encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/internal/jsontext"
)

const (
	// MaxOutput is how many bytes of JSON a value may become: more than a document may have.
	MaxOutput = 2 << 20
	maxDepth  = 64
)

// Error says where a value does not fit its schema. It quotes nothing of the value.
type Error struct {
	Path    string // of the field, such as .items[].price; empty for the value as a whole
	Problem string
}

// Error names the field and the problem.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Problem
	}
	return e.Path + ": " + e.Problem
}

func wrong(problem string) *Error { return &Error{Problem: problem} }

// Append writes a value as JSON behind dst. All of data has to be the value. An error is an *Error.
func (s *Schema) Append(dst, data []byte) ([]byte, error) {
	d := decoder{rest: data, most: len(dst) + MaxOutput}
	dst, err := d.append(dst, s.root, 0)
	if err == nil && len(d.rest) > 0 {
		err = wrong(fmt.Sprintf("%d bytes follow the value", len(d.rest)))
	}
	if err != nil {
		return dst, err
	}
	return dst, nil
}

// decoder goes through the bytes of one value.
type decoder struct {
	rest []byte
	most int // bytes of output
}

// append writes the next value.
func (d *decoder) append(dst []byte, n *node, depth int) ([]byte, *Error) {
	if len(dst) > d.most {
		return dst, wrong("becomes more than 2 MiB of JSON")
	}
	if depth > maxDepth {
		return dst, wrong("is nested more than 64 deep")
	}
	switch n.kind {
	case null:
		return append(dst, "null"...), nil
	case record:
		return d.record(dst, n, depth)
	case array, dictionary:
		return d.blocks(dst, n, depth)
	case union:
		i, err := d.index(len(n.parts))
		if err != nil {
			return dst, err
		}
		return d.append(dst, n.parts[i], depth) // a union stands in no union
	case enum:
		i, err := d.index(len(n.texts))
		if err != nil {
			return dst, err
		}
		return append(dst, n.texts[i]...), nil
	}
	return d.scalar(dst, n)
}

func (d *decoder) record(dst []byte, n *node, depth int) ([]byte, *Error) {
	dst = append(dst, '{')
	for i, part := range n.parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err *Error
		if dst, err = d.append(append(dst, n.texts[i]...), part, depth+1); err != nil {
			err.Path = "." + n.names[i] + err.Path
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// blocks writes an array or a map. Its items come in blocks, of which the last one is empty.
func (d *decoder) blocks(dst []byte, n *node, depth int) ([]byte, *Error) {
	isMap := n.kind == dictionary
	dst = append(dst, map[bool]byte{true: '{', false: '['}[isMap])
	first := true
	for {
		count, err := d.blockOf()
		if err != nil {
			return dst, err
		}
		if count == 0 {
			return append(dst, map[bool]byte{true: '}', false: ']'}[isMap]), nil
		}
		for ; count > 0; count-- {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			if isMap {
				if dst, err = d.text(dst); err != nil {
					return dst, err
				}
				dst = append(dst, ':')
			}
			if dst, err = d.append(dst, n.parts[0], depth+1); err != nil {
				err.Path = "[]" + err.Path
				return dst, err
			}
		}
	}
}

// blockOf reads how many items a block has. Below zero the number is that of the items, and the size of the block
// follows, for readers that skip it.
func (d *decoder) blockOf() (uint64, *Error) {
	count, err := d.long()
	if err != nil || count >= 0 {
		return uint64(count), err
	}
	_, err = d.long()
	return -uint64(count), err
}

// index reads the number of one of so many.
func (d *decoder) index(of int) (int, *Error) {
	i, err := d.long()
	if err == nil && (i < 0 || i >= int64(of)) {
		err = wrong("has a number that its schema does not know: it is written by another schema")
	}
	return int(i), err
}

var errShort = "ends too early"

// long reads an int or a long.
func (d *decoder) long() (int64, *Error) {
	n, size := stdbinary.Varint(d.rest)
	switch {
	case size == 0:
		return 0, wrong(errShort)
	case size < 0:
		return 0, wrong("has an integer of more than 64 bits")
	}
	d.rest = d.rest[size:]
	return n, nil
}

func (d *decoder) take(n int64) ([]byte, *Error) {
	if n < 0 || n > int64(len(d.rest)) {
		return nil, wrong(errShort)
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b, nil
}

// bytes reads bytes with their length before them, or so many as a fixed has.
func (d *decoder) bytes(n *node) ([]byte, *Error) {
	if n.sized {
		return d.take(int64(n.size))
	}
	size, err := d.long()
	if err != nil {
		return nil, err
	}
	return d.take(size)
}

// text reads a string and writes it as JSON.
func (d *decoder) text(dst []byte) ([]byte, *Error) {
	size, err := d.long()
	if err != nil {
		return dst, err
	}
	b, err := d.take(size)
	switch {
	case err != nil:
		return dst, err
	case !utf8.Valid(b):
		return dst, wrong("is a text that is not UTF-8")
	}
	return jsontext.AppendString(dst, b), nil
}
