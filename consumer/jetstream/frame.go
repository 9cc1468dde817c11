package jetstream

import (
	"bytes"
	"errors"
	"fmt"
)

// frame is one message of the NATS protocol. Its bytes are those of its chunk.
type frame struct {
	subject, reply, header, payload []byte
	chunk                           *chunk
}

// operation is a kind of what the server sends.
type operation uint8

const (
	opMessage operation = iota
	opPing              // asks for a PONG
	opOther             // asks for nothing
)

const (
	maxFrame = 128 << 20 // twice what a server can be configured to accept
	maxLine  = 64 << 10  // without a payload; a line about a large cluster is the longest
)

var (
	errProtocol = errors.New("the server does not speak the protocol of NATS")
	errRefused  = errors.New("the server refuses")
)

// parseFrame reads what stands at the front of b. Size is the number of bytes that it takes. If b does not hold all
// of it, size is 0, and need is the number of bytes that it will take, as far as that is known yet.
func parseFrame(b []byte, f *frame) (op operation, size, need int, err error) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if len(b) > maxLine {
			return 0, 0, 0, fmt.Errorf("%w: a line has no end", errProtocol)
		}
		return 0, 0, 2*len(b) + 64, nil
	}
	line := b[:end]
	if end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	}
	end++
	switch {
	case bytes.HasPrefix(line, []byte("HMSG ")):
		size, err = f.parseMessage(line[len("HMSG "):], b, end, true)
	case bytes.HasPrefix(line, []byte("MSG ")):
		size, err = f.parseMessage(line[len("MSG "):], b, end, false)
	case string(line) == "PING":
		return opPing, end, 0, nil
	case string(line) == "PONG", string(line) == "+OK", bytes.HasPrefix(line, []byte("INFO ")):
		return opOther, end, 0, nil
	case bytes.HasPrefix(line, []byte("-ERR")):
		return 0, 0, 0, fmt.Errorf("%w: %s", errRefused, bytes.TrimSpace(line[len("-ERR"):]))
	default:
		return 0, 0, 0, fmt.Errorf("%w: it says something unknown", errProtocol)
	}
	if err != nil {
		return 0, 0, 0, err
	}
	if size > len(b) {
		return 0, 0, size, nil
	}
	return opMessage, size, 0, nil
}

// parseMessage reads a message. Args is the rest of its first line. What follows the line begins at start of b, and
// is read as far as it is there. Size is the number of bytes that the whole takes.
func (f *frame) parseMessage(args, b []byte, start int, hasHeader bool) (size int, err error) {
	header, total, err := f.parseArgs(args, hasHeader)
	if err != nil {
		return 0, err
	}
	size = start + total + len("\r\n")
	if size > len(b) {
		return size, nil
	}
	if b[size-2] != '\r' || b[size-1] != '\n' {
		return 0, fmt.Errorf("%w: a message is not as long as it says", errProtocol)
	}
	f.header = b[start : start+header]
	f.payload = b[start+header : size-2 : size-2]
	return size, nil
}

// parseArgs reads <subject> <sid> [reply] [header size] <total size>.
func (f *frame) parseArgs(args []byte, hasHeader bool) (header, total int, err error) {
	var fields [5][]byte
	n := 0
	for more := true; more; n++ {
		if n == len(fields) {
			return 0, 0, fmt.Errorf("%w: a message has too many fields", errProtocol)
		}
		fields[n], args, more = bytes.Cut(args, []byte(" "))
	}
	sizes := 1
	if hasHeader {
		sizes = 2
	}
	names := n - sizes // subject, sid, and perhaps a reply subject
	if names < 2 || names > 3 {
		return 0, 0, fmt.Errorf("%w: the fields of a message make no sense", errProtocol)
	}
	all, ok := parseNumber(fields[n-1])
	front, okFront := uint64(0), true
	if hasHeader {
		front, okFront = parseNumber(fields[n-2])
	}
	if !ok || !okFront || front > all || all > maxFrame {
		return 0, 0, fmt.Errorf("%w: the fields of a message make no sense", errProtocol)
	}
	f.subject, f.reply = fields[0], nil
	if names == 3 {
		f.reply = fields[2]
	}
	return int(front), int(all), nil
}
