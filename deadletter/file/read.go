package file

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ciobridge/ciobridge/deadletter"
)

// maxLine bounds how much of one line is kept in memory: an encoded record, with room for escapes. A longer line was
// not written by a store.
const maxLine = 8 * deadletter.FileMaxBytes

// Scan gives each the lines that stood whole in the file when it began. A last line without an end is left out, because
// its Put has not returned. A file that does not exist is an empty log.
func (f *Store) Scan(ctx context.Context, each func(deadletter.Record) error) (err error) {
	if err := regular(f.path); err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("scan: %w", fileError(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("scan: %w", fileError(err))
	}
	in := bufio.NewReaderSize(io.LimitReader(file, info.Size()), 64<<10)
	for offset := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("scan %s: %w", f.path, err)
		}
		text, n, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("scan: %w", fileError(err))
		}
		if len(bytes.TrimSpace(text)) > 0 { // a line that was removed is blank
			r, err := deadletter.ParseJSON(text)
			if err != nil {
				r = deadletter.Record{Value: text}
			}
			r.Position.Offset = offset
			if err := each(f.sealer.Open(r)); err != nil {
				return err
			}
		}
		offset += n
	}
}

// Read gives the record whose line begins at the position's offset.
func (f *Store) Read(ctx context.Context, at deadletter.Position) (r deadletter.Record, err error) {
	if err := ctx.Err(); err != nil {
		return deadletter.Record{}, err
	}
	if err := regular(f.path); err != nil {
		return deadletter.Record{}, fmt.Errorf("read: %w", err)
	}
	file, err := os.Open(f.path)
	if err != nil {
		return deadletter.Record{}, fmt.Errorf("read: %w", fileError(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	in := bufio.NewReader(io.NewSectionReader(file, at.Offset, maxLine+1))
	text, _, err := readLine(in)
	if err != nil {
		return deadletter.Record{}, fmt.Errorf("read %s at %d: %w", f.path, at.Offset, deadletter.ErrGone)
	}
	if r, err = deadletter.ParseJSON(text); err != nil {
		return deadletter.Record{}, fmt.Errorf("read %s at %d: %w: %w", f.path, at.Offset, deadletter.ErrGone, err)
	}
	r.Position = at
	return f.sealer.Open(r), nil
}

// readLine returns a line without its end, and the number of bytes that were read. Of a line over maxLine it returns
// the beginning, which no record can be read from. io.EOF means that no whole line is left.
func readLine(in *bufio.Reader) (text []byte, taken int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		taken += int64(len(part))
		if len(text) < maxLine {
			text = append(text, part...)
		}
		switch {
		case err == nil:
			return text[:len(text)-1], taken, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, taken, err
		}
	}
}
