package avro

import (
	"encoding/base64"
	stdbinary "encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"

	"github.com/ciobridge/ciobridge/internal/logical"
)

// scalar writes a value that has no parts.
func (d *decoder) scalar(dst []byte, n *node) ([]byte, *Error) {
	switch n.kind {
	case boolean:
		b, err := d.take(1)
		if err != nil {
			return dst, err
		}
		if b[0] > 1 {
			return dst, wrong("is neither true nor false")
		}
		return strconv.AppendBool(dst, b[0] == 1), nil
	case integer, timed:
		i, err := d.long()
		if err != nil {
			return dst, err
		}
		return appendCount(dst, n, i), nil
	case float, double:
		return d.float(dst, n.kind)
	case text:
		return d.text(dst)
	case variableDecimal:
		scale, err := d.long()
		if err != nil {
			return dst, err
		}
		return d.decimal(dst, &node{kind: decimal, scale: int(max(min(scale, math.MaxInt32), math.MinInt32))})
	case decimal:
		return d.decimal(dst, n)
	}
	b, err := d.bytes(n)
	if err != nil {
		return dst, err
	}
	switch n.kind {
	case uuid:
		return appendUUID(dst, b), nil
	case duration:
		return fmt.Appendf(dst, `{"months":%d,"days":%d,"millis":%d}`, stdbinary.LittleEndian.Uint32(b),
			stdbinary.LittleEndian.Uint32(b[4:]), stdbinary.LittleEndian.Uint32(b[8:])), nil
	}
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"'), nil
}

// appendCount writes an integer, as the time that it counts where there is such a time.
func appendCount(dst []byte, n *node, i int64) []byte {
	if n.kind == timed {
		if out, ok := n.unit.Append(append(dst, '"'), i); ok {
			return append(out, '"')
		}
	}
	return strconv.AppendInt(dst, i, 10)
}

func (d *decoder) decimal(dst []byte, n *node) ([]byte, *Error) {
	b, short := d.bytes(n)
	if short != nil {
		return dst, short
	}
	if n.sized { // it has room for more than the digits need
		for len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
			b = b[1:]
		}
	}
	dst, err := logical.AppendDecimal(dst, b, n.scale)
	if err != nil {
		return dst, wrong(err.Error())
	}
	return dst, nil
}

func (d *decoder) float(dst []byte, k kind) ([]byte, *Error) {
	size, bits := int64(8), 64
	if k == float {
		size, bits = 4, 32
	}
	b, err := d.take(size)
	if err != nil {
		return dst, err
	}
	var f float64
	if k == float {
		f = float64(math.Float32frombits(stdbinary.LittleEndian.Uint32(b)))
	} else {
		f = math.Float64frombits(stdbinary.LittleEndian.Uint64(b))
	}
	return logical.AppendFloat(dst, f, bits), nil
}

func appendUUID(dst, b []byte) []byte {
	dst = append(dst, '"')
	for i, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return append(dst, '"')
}
