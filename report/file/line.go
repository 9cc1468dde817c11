package file

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/ciobridge/ciobridge/internal/appendfile"
	"github.com/ciobridge/ciobridge/report"
)

// line is a value as it stands in the file; without one it says that the key is removed.
type line struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value,omitempty"`
	Bytes []byte          `json:"bytes,omitempty"` // a value that is no JSON, or has line breaks
}

// text is a line of the file. A value that is JSON stands in it as it is.
func text(key string, value []byte) ([]byte, error) {
	l := line{Key: key}
	plain := len(value) > 0 && json.Valid(value) && !bytes.ContainsAny(value, "\r\n")
	if !plain {
		l.Bytes = value
	}
	out, err := json.Marshal(l)
	if plain {
		out = append(append(append(out[:len(out)-1], `,"value":`...), value...), '}')
	}
	return append(out, '\n'), err
}

// lineStart begins every line.
const lineStart = `{"key":`

// checkStart makes sure that a file begins as those of the state do, be it with part of a line. Another one is neither
// added to nor written anew.
func checkStart(start []byte) error {
	start, _, _ = bytes.Cut(start[:min(len(start), len(lineStart))], []byte{'\n'})
	if !strings.HasPrefix(lineStart, string(start)) {
		return fmt.Errorf("%w: it does not begin with %q, as the state of reports does: name another file",
			report.ErrUnfit, lineStart)
	}
	return nil
}

// read gives what stands under keys with the prefix.
func (s *Store) read(prefix string) (known map[string][]byte, err error) {
	known = map[string][]byte{}
	file, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	in := bufio.NewReaderSize(file, 64<<10)
	if start, _ := in.Peek(len(lineStart)); checkStart(start) != nil {
		return nil, checkStart(start)
	}
	for {
		text, err := in.ReadBytes('\n')
		var l line
		switch {
		case json.Unmarshal(text, &l) != nil: // what a process left that died while it wrote
		case !strings.HasPrefix(l.Key, prefix):
		case len(l.Value)+len(l.Bytes) == 0:
			delete(known, l.Key)
		case len(l.Value) > 0:
			known[l.Key] = l.Value
		default:
			known[l.Key] = l.Bytes
		}
		if errors.Is(err, io.EOF) {
			return known, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// rewrite writes the values that count into a new file, which takes the place of the old one at once. A process that
// dies meanwhile leaves the old file as it was.
func (s *Store) rewrite() error {
	known, err := s.read("")
	if err != nil {
		return err
	}
	size := 0
	err = appendfile.Replace(s.path, func(out *bufio.Writer) error {
		for key, value := range known {
			text, err := text(key, value)
			if err != nil {
				return err
			}
			n, _ := out.Write(text) // Replace has the error
			size += n
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.Close() // the next call opens the new one
	s.kept, s.size = int64(size), int64(size)
	return appendfile.SyncName(s.path)
}
