package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

// eventText is one event as it was found.
type eventText struct {
	place string // file and line
	value []byte
}

// readEvents gives the events of files, or of standard input where none is named. Each line is an event, except where
// a file as a whole is one JSON value, or no text. Whether an event is valid is not looked at: broken ones have to be
// tried too.
func readEvents(cmd *cobra.Command, files []string, each func(eventText) error) error {
	if len(files) == 0 {
		files = []string{"-"}
	}
	found := 0
	counted := func(e eventText) error {
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

func readEventFile(cmd *cobra.Command, name string, each func(eventText) error) error {
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
func eachEvent(name string, r io.Reader, each func(eventText) error) error {
	lines := &lineReader{in: bufio.NewReaderSize(r, 64<<10)}
	if begin, _ := lines.in.Peek(4); isBinary(begin) {
		value, err := io.ReadAll(lines.in)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return each(eventText{name, value})
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
			return each(eventText{name, bytes.TrimSpace(whole)})
		}
		*lines = lineReader{in: bufio.NewReader(bytes.NewReader(whole)), n: lines.n - 1}
		if first, err = lines.next(); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	for line := first; ; {
		if err := each(eventText{fmt.Sprintf("%s:%d", name, lines.n), line}); err != nil {
			return err
		}
		if line, err = lines.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
}

// isBinary reports whether what begins so is no text, such as a record that is compressed. It has no lines.
func isBinary(begin []byte) bool {
	for len(begin) > 0 {
		r, n := utf8.DecodeRune(begin)
		if r == utf8.RuneError && utf8.FullRune(begin) || r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != 0x1e {
			return true
		}
		begin = begin[n:]
	}
	return false
}

// mapOne maps an event. A panic, whose text may quote the event, ends as an error that names the place.
func mapOne(rules *mapping.Rules, m event.Message) (got mapping.Explanation, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a fault of the program: this event cannot be mapped; please report it with the rules")
		}
	}()
	return rules.Explain(m), nil
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

// recordFlags say what stands around an event in its broker.
type recordFlags struct {
	key     string
	headers []string
	time    string
}

func (f *recordFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.key, "key", "", "the record's key")
	cmd.Flags().StringArrayVar(&f.headers, "header", nil, "a header of the record, as key=value; may be repeated")
}

// record is a message with what the flags say, and no value yet.
func (f *recordFlags) record() (event.Message, error) {
	var m event.Message
	if f.key != "" {
		m.Key = []byte(f.key)
	}
	for _, h := range f.headers {
		key, value, ok := strings.Cut(h, "=")
		if !ok || key == "" {
			return m, exit.With(exit.Input, fmt.Errorf("--header %q: want key=value", h))
		}
		m.Headers = append(m.Headers, event.Header{Key: key, Value: []byte(value)})
	}
	if f.time != "" {
		t, ok := document.ParseTime(f.time)
		if !ok {
			return m, exit.With(exit.Input,
				fmt.Errorf("--time %q: want a time with its zone, such as 2026-10-05T08:30:00Z", f.time))
		}
		m.Time = t
	}
	return m, nil
}

// ofEvent says which event of a record something is of; nothing where the record is one event.
func ofEvent(item int) string {
	if item == 0 {
		return ""
	}
	return fmt.Sprintf("event %d, ", item)
}

// ruleFilesAmong moves the YAML files from the events to the rules, where a shell puts them when a glob is not quoted.
func ruleFilesAmong(rules, files []string) (allRules, events []string) {
	for _, f := range files {
		if ext := filepath.Ext(f); ext == ".yaml" || ext == ".yml" {
			rules = append(rules, f)
			continue
		}
		events = append(events, f)
	}
	return rules, events
}
