package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ciobridge/ciobridge/internal/exit"
)

// An EventText is one event as it was found.
type EventText struct {
	Place string // file and line
	Value []byte
}

// ReadEvents gives the events of files, or of standard input where none is named. Each line is an event, except where
// a file as a whole is one JSON value, or no text. Whether an event is valid is not looked at: broken ones have to be
// tried too.
func ReadEvents(cmd *cobra.Command, files []string, each func(EventText) error) error {
	if len(files) == 0 {
		files = []string{"-"}
	}
	found := 0
	counted := func(e EventText) error {
		found++
		return each(e)
	}
	for _, name := range files {
		if err := readEventFile(cmd, name, counted); err != nil {
			return err
		}
	}
	if found == 0 {
		return exit.With(exit.Input, errors.New("no event was given: name a file, or write events "+
			"to standard input, one a line"))
	}
	return nil
}

func readEventFile(cmd *cobra.Command, name string, each func(EventText) error) error {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return exit.With(exit.Input, fmt.Errorf("read events: %w", err))
		}
		defer file.Close()
		return eachEvent(name, file, each)
	}
	if file, ok := cmd.InOrStdin().(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		fmt.Fprintln(cmd.ErrOrStderr(), "reading events from standard input, one a line; Ctrl-D ends it")
	}
	return eachEvent("stdin", cmd.InOrStdin(), each)
}

// eachEvent reads line by line as soon as the first line shows that it is an event by itself.
func eachEvent(name string, r io.Reader, each func(EventText) error) error {
	lines := &lineReader{in: bufio.NewReaderSize(r, 64<<10)}
	if begin, _ := lines.in.Peek(4); IsBinary(begin) {
		value, err := io.ReadAll(lines.in)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return each(EventText{name, value})
	}
	first, err := lines.next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if !json.Valid(first) {
		rest, err := io.ReadAll(lines.in)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		whole := append(append(first, '\n'), rest...)
		if json.Valid(whole) {
			return each(EventText{name, bytes.TrimSpace(whole)})
		}
		*lines = lineReader{in: bufio.NewReader(bytes.NewReader(whole)), n: lines.n - 1}
		if first, err = lines.next(); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	for line := first; ; {
		if err := each(EventText{fmt.Sprintf("%s:%d", name, lines.n), line}); err != nil {
			return err
		}
		if line, err = lines.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// IsBinary reports whether what begins so is no text, such as a record that is compressed. It has no lines.
func IsBinary(begin []byte) bool {
	for len(begin) > 0 {
		r, n := utf8.DecodeRune(begin)
		if r == utf8.RuneError && utf8.FullRune(begin) || r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != 0x1e {
			return true
		}
		begin = begin[n:]
	}
	return false
}

// lineReader gives the lines that are not blank.
type lineReader struct {
	in *bufio.Reader
	n  int // lines read
}

func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.in.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return nil, err
		}
		l.n++
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}
