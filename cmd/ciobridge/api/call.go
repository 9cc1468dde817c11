package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/rawrequest"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/retry"
)

// maxAnswer is the largest answer that is printed.
const maxAnswer = 64 << 20

// call makes requests and prints what they are answered.
type call struct {
	client  *customerio.Client
	pace    customerio.Pace
	retries int
	out     io.Writer
	debug   io.Writer
}

// The pauses between attempts, which double.
const (
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
)

// make makes a request until it is settled, and prints the last answer.
func (c *call) make(ctx context.Context, r customerio.Request) (customerio.Answer, error) {
	for attempt := 0; ; attempt++ {
		c.tellRequest(r, attempt)
		start := time.Now()
		answer := c.client.Do(ctx, r)
		c.tellAnswer(answer, time.Since(start))
		if attempt < c.retries && ctx.Err() == nil && again(r, answer) {
			pause := max(answer.RetryAfter, min(firstPause<<min(attempt, 10), maxPause))
			fmt.Fprintf(c.debug, "* the next attempt is in %s\n", pause)
			if retry.Sleep(ctx, pause) {
				continue
			}
		}
		if answer.Content != nil {
			if _, err := c.out.Write(answer.Content.Body); err != nil {
				return answer, err
			}
		}
		return answer, outcome(r, answer)
	}
}

// again reports whether a request may be made again: it may succeed, and cannot have been carried out in a way that
// would count twice.
func again(r customerio.Request, answer customerio.Answer) bool {
	if answer.NewCredentials {
		return true
	}
	return answer.Verdict == customerio.Retry && (!answer.Unsure() || rawrequest.Repeatable(r.Method))
}

// outcome is the error that a request ends with, or nil.
func outcome(r customerio.Request, answer customerio.Answer) error {
	told := fmt.Errorf("customer.io: %s", answer)
	switch {
	case answer.Status/100 == 2 && answer.Content != nil && answer.Content.Cut:
		return exit.With(exit.CustomerIO, fmt.Errorf("customer.io: answer %d, larger than the %d MiB that are printed",
			answer.Status, maxAnswer>>20))
	case answer.Verdict == customerio.Accepted:
		return nil
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden,
		answer.Status == 0 && answer.Cause == customerio.CauseCredentials:
		return exit.With(exit.Credentials, told)
	case answer.Verdict == customerio.Refused, answer.Verdict == customerio.Split:
		return exit.With(exit.Input, told)
	case answer.Status/100 == 3 && !answer.Unsure():
		return exit.With(exit.CustomerIO, fmt.Errorf("%w: a redirect is not followed; is customerio.region right?",
			told))
	case answer.Unsure() && !rawrequest.Repeatable(r.Method):
		return exit.With(exit.CustomerIO, fmt.Errorf("%w; the request may have been carried out", told))
	}
	return exit.With(exit.CustomerIO, told)
}

// pages follows the member next of each answer, and prints the pages as lines.
func (c *call) pages(ctx context.Context, r customerio.Request) error {
	var seen []string
	for {
		answer, err := c.make(ctx, r)
		if err != nil {
			return err
		}
		body := answer.Content.Body
		if len(body) == 0 || body[len(body)-1] != '\n' {
			if _, err := io.WriteString(c.out, "\n"); err != nil {
				return err
			}
		}
		next := nextOf(body)
		switch {
		case next == "":
			return nil
		case slices.Contains(seen, next):
			return exit.With(exit.CustomerIO, errors.New("customer.io: the pages go round in a circle"))
		}
		seen = append(seen, next)
		if r.Path, err = startingAt(r.Path, next); err != nil {
			return exit.With(exit.CustomerIO, err)
		}
		if !retry.Sleep(ctx, c.pace.Per/time.Duration(c.pace.Requests)) {
			return exit.With(exit.Failure, ctx.Err())
		}
	}
}

// nextOf is where the next page starts: a text, or a number in some lists. It is empty at the end.
func nextOf(body []byte) string {
	var page struct {
		Next json.RawMessage `json:"next"`
	}
	if json.Unmarshal(body, &page) != nil || len(page.Next) == 0 {
		return ""
	}
	var text string
	if json.Unmarshal(page.Next, &text) == nil { // null is empty
		return text
	}
	number := string(page.Next)
	if number[0] < '0' || number[0] > '9' || number == "0" {
		return ""
	}
	return number
}

// startingAt has a path begin at a page.
func startingAt(path, next string) (string, error) {
	target, written, _ := strings.Cut(path, "?")
	query := []rawrequest.Pair{{Name: "start", Value: next}}
	for pair := range strings.SplitSeq(written, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" || name == "start" {
			continue
		}
		decodedName, errName := url.PathUnescape(name)
		decodedValue, errValue := url.PathUnescape(value)
		if err := errors.Join(errName, errValue); err != nil {
			return "", err
		}
		query = append(query, rawrequest.Pair{Name: decodedName, Value: decodedValue})
	}
	if err := rawrequest.CheckPairs(query); err != nil {
		return "", fmt.Errorf("customer.io: the start of the next page %w", err)
	}
	return string(rawrequest.AppendPairs(append([]byte(target), '?'), query)), nil
}

func (c *call) tellRequest(r customerio.Request, attempt int) {
	size := 0
	for _, part := range r.Body {
		size += len(part)
	}
	fmt.Fprintf(c.debug, "> %s %s%s, attempt %d, %d bytes\n", r.Method, c.client.Root(r.Endpoint.API()), r.Path,
		attempt+1, size)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(c.debug, "> %s: %s\n", name, strings.Join(r.Header[name], ", "))
	}
	fmt.Fprintln(c.debug, "> Authorization: ***")
}

func (c *call) tellAnswer(answer customerio.Answer, took time.Duration) {
	fmt.Fprintf(c.debug, "< %s, meaning %s, after %s\n", answer, answer.Verdict, took.Round(time.Millisecond))
	if answer.RetryAfter > 0 {
		fmt.Fprintf(c.debug, "< Retry-After: %s\n", answer.RetryAfter)
	}
	if answer.Content != nil {
		fmt.Fprintf(c.debug, "< Content-Type: %s, %d bytes\n", answer.Content.Type, len(answer.Content.Body))
	}
}
