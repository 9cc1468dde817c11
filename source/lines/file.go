package lines

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ciobridge/ciobridge/event"
)

// longestLine is how much of a line is kept. An event is never that long, and the mapping refuses it by its size.
const longestLine = 16 << 20

// file is what is read: a file or standard input. A line is known by its number, from 1.
type file struct{ path, name string }

// open opens the file, and unpacks it where its name says that it is packed.
func (f file) open(ctx context.Context) (io.ReadCloser, error) {
	if f.path == stdin {
		return io.NopCloser(newInput(ctx, os.Stdin)), nil
	}
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(f.path, ".gz") {
		return opened, nil
	}
	unpacked, err := gzip.NewReader(opened)
	if err != nil {
		opened.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{unpacked, opened}, nil
}

// read gives each a message for every line from number from up to and without end. A line that holds nothing but
// blanks is none, but counts as a number.
func (f file) read(ctx context.Context, from, end int64, each func(*event.Message) error) error {
	opened, err := f.open(ctx)
	if err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	defer opened.Close()
	in := bufio.NewReaderSize(opened, 64<<10)
	for number := int64(1); number < end; number++ {
		line, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: line %d: %w", f.path, number, err)
		}
		last := err != nil
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		if number >= from && len(bytes.TrimSpace(line)) > 0 {
			m := event.Message{Origin: event.Origin{Topic: f.name, Offset: number}, Value: bytes.Clone(line)}
			if err := each(&m); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
	return nil
}

// readLine reads a line without what ends it, of one that is too long the beginning. What it returns is valid until the
// next call. The error is io.EOF for the last line, which may be empty.
func readLine(in *bufio.Reader) ([]byte, error) {
	part, err := in.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return withoutEnd(part), err
	}
	line := bytes.Clone(part)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = in.ReadSlice('\n')
		line = append(line, part[:min(len(part), max(0, longestLine-len(line)))]...)
	}
	return withoutEnd(line), err
}

func withoutEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// count is the number of lines.
func (f file) count(ctx context.Context) (int64, error) {
	opened, err := f.open(ctx)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", f.path, err)
	}
	defer opened.Close()
	in := bufio.NewReaderSize(opened, 64<<10)
	for n := int64(0); ; {
		part, err := in.ReadSlice('\n')
		switch {
		case err == nil:
			n++
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			if len(part) > 0 {
				n++
			}
			return n, nil
		default:
			return n, fmt.Errorf("read %s: %w", f.path, err)
		}
	}
}
