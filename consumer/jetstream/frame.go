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

// operation is what the server says: a message, or one of the words that keep the connection.
type operation uint8

const (
	opMessage operation = iota
	opPing
	opOther // nothing that asks for an answer
)

const (
	maxFrame = 128 << 20 // twice of what a server can be made to take
	maxLine  = 64 << 10  // of what has no payload; a line about a large cluster is the longest
)

var (
	errProtocol = errors.New("the server does not speak the protocol of NATS")
	errRefused  = errors.New("the server refuses")
)

// parseFrame reads what stands at the front of b, and the number of bytes that it takes. Where b does not hold all of
// it, size is 0 and need the number of bytes that it will take, as far as that is known yet.
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

// parseMessage reads <subject> <sid> [reply] [header size] <size>, with the header and the payload that follow from
// start on, as far as they are there. It returns how much the whole takes.
func (f *frame) parseMessage(args, b []byte, start int, hasHeader bool) (size int, err error) {
	var fields [5][]byte
	n := 0
	for more := true; more; n++ {
		if n == len(fields) {
			return 0, fmt.Errorf("%w: a message has too many fields", errProtocol)
		}
		fields[n], args, more = bytes.Cut(args, []byte(" "))
	}
	header, last := uint64(0), n-1
	total, ok := parseNumber(fields[last])
	if hasHeader && last > 0 {
		last--
		var okHeader bool
		header, okHeader = parseNumber(fields[last])
		ok = ok && okHeader
	}
	if !ok || last < 2 || last > 3 || header > total || total > maxFrame {
		return 0, fmt.Errorf("%w: the fields of a message make no sense", errProtocol)
	}
	size = start + int(total) + len("\r\n")
	if size > len(b) {
		return size, nil
	}
	if b[size-2] != '\r' || b[size-1] != '\n' {
		return 0, fmt.Errorf("%w: a message is not as long as it says", errProtocol)
	}
	f.subject, f.reply = fields[0], nil
	if last == 3 {
		f.reply = fields[2]
	}
	f.header = b[start : start+int(header)]
	f.payload = b[start+int(header) : size-2 : size-2]
	return size, nil
}
