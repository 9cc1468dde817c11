package read

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/retry"
	"github.com/ciobridge/ciobridge/report"
)

// An API makes requests to the App APIs of workspaces, each by its name. It may be used from several goroutines.
type API interface {
	// Ask makes a request within the workspace's budget. It waits while Customer.io asks to be left alone, and for a
	// while where the key is refused, and gives an answer that takes or refuses the request. Where the request itself
	// may be why it fails again and again the answer's verdict is Retry. An error means that nothing can be asked now.
	Ask(ctx context.Context, workspace string, r customerio.Request) (customerio.Answer, error)
	// Download fetches a file from the address that an export has given, which needs no key. An error may be a
	// *download.Error.
	Download(ctx context.Context, workspace, address string) (io.ReadCloser, error)
}

// New makes the reader of a report, whose settings must be valid.
func New(c report.Config, api API) (report.Reader, error) {
	if err := Validate(c); err != nil {
		return nil, err
	}
	return &reader{kind: kinds[c.Type], params: c.Params, api: api}, nil
}

type reader struct {
	kind   kind
	params report.Params
	api    API
}

// Restated reports whether the rows of a window may be others later.
func (r *reader) Restated() bool { return r.kind.restated }

var errNow = errors.New("a report of this type tells what is true now, and cannot be asked for a time")

// Read hands on the rows of one workspace.
func (r *reader) Read(ctx context.Context, q report.Request, each func(report.Row) error) error {
	if q.Window != (report.Window{}) && !r.kind.timed {
		return retry.Permanent(errNow)
	}
	return r.kind.read(ctx, &job{Request: q, params: r.params, api: r.api, each: each})
}

// A job is one call of Read.
type job struct {
	report.Request
	params report.Params
	api    API
	each   func(report.Row) error
}

// keep is the most of one answer that is looked at, and keepPeople that of one that shows a hundred people, who can be
// shown in smaller numbers.
const (
	keep       = 16 << 20
	keepPeople = 2 << 20
)

// A RefusedError says that Customer.io did not take a request.
type RefusedError struct {
	Doing  string
	Status int
	Reason string // in our own words; empty where none is known
}

// Error says what was refused, and by which answer.
func (e *RefusedError) Error() string {
	text := fmt.Sprintf("%s: Customer.io refuses it with answer %d", e.Doing, e.Status)
	if e.Status == http.StatusForbidden {
		return text + ": the App key may not ask for this"
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// An UnansweredError says that one request was neither taken nor refused, as often as it was made.
type UnansweredError struct {
	Doing  string
	Answer customerio.Answer
}

// Error says what came at last.
func (e *UnansweredError) Error() string {
	return fmt.Sprintf("%s: Customer.io gives no usable answer: %s", e.Doing, e.Answer)
}

// An AnswerError says that Customer.io answers with something that no report can be made of.
type AnswerError struct {
	text string
	err  error // may be nil
}

// Error says what is wrong with it.
func (e *AnswerError) Error() string {
	if e.err == nil {
		return e.text
	}
	return e.text + ": " + e.err.Error()
}

// Unwrap is why it could not be read.
func (e *AnswerError) Unwrap() error { return e.err }

var (
	errTooLong error = &AnswerError{text: "the answer is longer than what is looked at of one"}
	errBroken  error = &AnswerError{text: "the answer broke off"}
)

// get asks for a document. What is refused is a permanent *RefusedError: the same question would be refused again.
func (j *job) get(ctx context.Context, doing, path string) ([]byte, error) {
	return j.ask(ctx, doing, customerio.Request{Method: http.MethodGet, Path: path})
}

// post asks with a body.
func (j *job) post(ctx context.Context, doing, path string, body []byte) ([]byte, error) {
	return j.ask(ctx, doing, posting(path, body))
}

func posting(path string, body []byte) customerio.Request {
	return customerio.Request{Method: http.MethodPost, Path: path, Body: [][]byte{body}, Calls: 1}
}

func (j *job) ask(ctx context.Context, doing string, r customerio.Request) ([]byte, error) {
	r.Endpoint, r.Keep = customerio.App, cmp.Or(r.Keep, keep)
	answer, err := j.api.Ask(ctx, j.Workspace, r)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", doing, err)
	case answer.Verdict == customerio.Retry:
		return nil, &UnansweredError{doing, answer}
	case answer.Verdict != customerio.Accepted:
		e := &RefusedError{Doing: doing, Status: answer.Status}
		if len(answer.Errors.Refusals) > 0 {
			e.Reason = string(answer.Errors.Refusals[0].Problem)
		}
		return nil, retry.Permanent(e)
	case answer.Content == nil:
		return nil, fmt.Errorf("%s: %w", doing, errBroken)
	case answer.Content.Cut:
		return nil, fmt.Errorf("%s: %w", doing, errTooLong)
	}
	return answer.Content.Body, nil
}

// missing reports whether an error says that what was asked for is not there.
func missing(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound
}

// forbidden reports whether an error says that the key may not ask for something.
func forbidden(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused) && refused.Status == http.StatusForbidden
}

// now is the window of a snapshot.
func (j *job) now() report.Window {
	at := j.At.UTC().Truncate(time.Microsecond)
	return report.Window{Start: at, End: at}
}

// row hands on a row.
func (j *job) row(object string, w report.Window, data any) error {
	text, err := canonical(data)
	if err != nil {
		return fmt.Errorf("write the row of %s: %w", object, err)
	}
	return j.each(report.Row{Object: object, Window: w, Data: text})
}
