package jq

import (
	"fmt"
	"strings"
)

// CompileError says what is wrong with a program and what to do about it.
type CompileError struct {
	Source string // the program
	Offset int    // bytes of Source before the place, or -1 where the program as a whole is meant
	Reason string
}

// Error names the place and the reason. Of a program of several lines it shows the line of the place.
func (e *CompileError) Error() string {
	source, offset := e.Source, min(e.Offset, len(e.Source))
	if offset >= 0 {
		start := strings.LastIndexByte(source[:offset], '\n') + 1
		source, _, _ = strings.Cut(source[start:], "\n")
		offset -= start
	}
	if len(source) > 200 {
		source = strings.ToValidUTF8(source[:200], "") + "…"
	}
	if offset < 0 {
		return fmt.Sprintf("expression %q: %s", source, e.Reason)
	}
	return fmt.Sprintf("expression %q at byte %d: %s", source, offset, e.Reason)
}

// Line is the line of the place, counted from 0 in the program.
func (e *CompileError) Line() int {
	return strings.Count(e.Source[:max(0, min(e.Offset, len(e.Source)))], "\n")
}
