package file

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/ciobridge/ciobridge/internal/cloudevent"
)

// A form is how events stand in a file.
type form interface {
	// start is what every file begins with, and what a file of that form is known by.
	start() string
	// begin learns from the whole lines of a file what it must know of them.
	begin(in *io.SectionReader) error
	// encode appends an event to text.
	encode(text []byte, e *cloudevent.Event) ([]byte, error)
	// decode tells of the events that stand in whole lines.
	decode(in io.Reader, each func(id, hash string)) error
	// whole is the length of the whole lines of a file.
	whole(in io.ReaderAt, size int64) (int64, error)
}

func formOf(name string) form {
	if name == "csv" {
		return &table{}
	}
	return ndjson{}
}

// ndjson has an event as JSON in each line.
type ndjson struct{}

func (ndjson) start() string { return "{" }

func (ndjson) begin(*io.SectionReader) error { return nil }

func (ndjson) encode(text []byte, e *cloudevent.Event) ([]byte, error) {
	line, err := e.JSON()
	return append(append(text, line...), '\n'), err
}

func (ndjson) decode(in io.Reader, each func(id, hash string)) error {
	for lines := bufio.NewReaderSize(in, 64<<10); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var e struct {
			ID   string `json:"id"`
			Hash string `json:"contenthash"`
		}
		if json.Unmarshal(line, &e) == nil && e.ID != "" { // what is no event is somebody else's
			each(e.ID, e.Hash)
		}
	}
}

func (ndjson) whole(in io.ReaderAt, size int64) (int64, error) {
	var block [4096]byte
	for end := size; end > 0; {
		begin := max(0, end-int64(len(block)))
		part := block[:end-begin]
		if _, err := in.ReadAt(part, begin); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return 0, nil
}
