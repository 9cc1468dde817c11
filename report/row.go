package report

import (
	"context"
	"encoding/json"
	"time"
)

// A Window is the time that a row is about, in UTC: from Start until just before End. That of a snapshot, such as the
// people of a segment, begins and ends with the time for which the run was scheduled.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// A Row is one bucket of a report's numbers, or one line of a list.
type Row struct {
	// Object names what the row is about, the same in every run: "campaign/7", "campaign/7/link/3", "delivery/ABC".
	// Two rows of a run differ in their objects or in their windows, whose bounds are whole microseconds.
	Object string
	Window Window
	// Data is a JSON object. Its members stand in an order that does not change, so that equal contents are equal
	// bytes; what may differ from one answer to the next without a meaning is left out.
	Data json.RawMessage
}

// A Request says what a Reader is to read.
type Request struct {
	// Workspace is the name of the workspace; empty for the first.
	Workspace string
	// At is the time for which the run was scheduled, or that at which it was asked for by hand.
	At time.Time
	// Last is the time for which the last finished run of this report and workspace was scheduled; zero where there is
	// none. What is told of things that happened, such as deliveries and activities, goes from Last until At, so that
	// one run follows the other without a gap and without an overlap.
	Last time.Time
	// Window bounds what is read where somebody asks for a time by hand. Zero means what the report's own settings say.
	Window Window
	// Saved is what Save was last called with in this run, before the process ended; empty in a new run.
	Saved string
	// Malformed is told of every row that cannot be read. It returns when the row is kept.
	Malformed func(ctx context.Context, m Malformed) error
	// Save keeps a short text for a later attempt at the same run, such as the id of an export that was started. It is
	// durable when Save returns.
	Save func(ctx context.Context, text string) error
}

// A Reader reads the rows of one report from Customer.io.
type Reader interface {
	// Read hands on every row that there is to tell, in any order, and returns the first error of each. What it holds
	// does not grow with the number of rows. It waits as long as Customer.io asks to be left alone; an error of its own
	// means that this attempt is over, and that the next may succeed unless the error is Permanent.
	Read(ctx context.Context, r Request, each func(Row) error) error
	// Restated reports whether the rows of a window may be others when it is read again later, as numbers are. Those of
	// the other reports are told once for each window.
	Restated() bool
}

// A Malformed is a row that could not be read. It becomes a dead letter, and the report goes on.
type Malformed struct {
	Line   int    // of the file, from 1
	Text   []byte // as it stood there, or the beginning of it
	Detail string // why, in our own words, without anything of the text
}
