package workspace

import (
	"errors"
	"time"
)

// Exports say how exports go on.
type Exports struct {
	// Takes is how long one is pending. It is done at once if it is 0.
	Takes time.Duration
	// Link is how long the link to a file holds: 15 minutes if it is 0, as documented.
	Link time.Duration
	// Rows and Bytes ask for files of made-up rows in place of those of the workspace: so many, or as many as make a
	// file of at least so many bytes.
	Rows  int
	Bytes int64
	// Malformed are the lines that are no CSV, of which the line with the names of the columns is 1.
	Malformed []int
	// Fail is how many of the next exports fail.
	Fail int
}

// Validate reports everything that cannot be.
func (e Exports) Validate() error {
	var errs []error
	if e.Takes < 0 || e.Link < 0 {
		errs = append(errs, errors.New("exports: takes and link must not be negative"))
	}
	if e.Rows < 0 || e.Bytes < 0 || e.Fail < 0 {
		errs = append(errs, errors.New("exports: rows, bytes and fail must not be negative"))
	}
	if e.Rows > 0 && e.Bytes > 0 {
		errs = append(errs, errors.New("exports: rows and bytes do not go together"))
	}
	return errors.Join(errs...)
}
