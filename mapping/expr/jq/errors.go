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

// Error names the place and the reason.
func (e *CompileError) Error() string {
	source := e.Source
	if len(source) > 200 {
		source = strings.ToValidUTF8(source[:200], "") + "…"
	}
	if e.Offset < 0 {
		return fmt.Sprintf("expression %q: %s", source, e.Reason)
	}
	return fmt.Sprintf("expression %q at byte %d: %s", source, e.Offset, e.Reason)
}
