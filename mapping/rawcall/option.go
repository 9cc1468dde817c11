package rawcall

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/mistake"
)

// The limits of a time-out. A request must come to an end within the time that a stopping bridge waits.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 14 * time.Second
	maxDelay   = time.Hour
	maxTries   = 1000
)

// options compiles what is said of attempts and answers.
func (c *compiler) options(out *Call) {
	f := c.from
	within := func(key string, d, least, most time.Duration) {
		if d != 0 && (d < least || d > most) {
			c.wrong(key, "%s is outside %s to %s", d, least, most)
		}
	}
	within("timeout", f.Timeout, minTimeout, maxTimeout)
	within("retry.delay", f.Retry.Delay, minTimeout, maxDelay)
	if f.Retry.Backoff != "" && !slices.Contains(Backoffs(), f.Retry.Backoff) {
		c.word("retry.backoff", f.Retry.Backoff, Backoffs())
	}
	if f.Response != "" && !slices.Contains(Responses(), f.Response) {
		c.word("response", f.Response, Responses())
	}
	switch most := f.Retry.MaxAttempts; {
	case most < 0 || most > maxTries:
		c.wrong("retry.max_attempts", "%d is outside 0 to %d; 0 is as often as it takes", most, maxTries)
	case most == 0 && f.Retry.AllErrors:
		c.wrong("retry.all_errors", "would never end: give max_attempts, too")
	}
	if f.ReplyTo != "" && (strings.ContainsFunc(f.ReplyTo, unfit) || len(f.ReplyTo) > 249 ||
		slices.Contains(strings.Split(f.ReplyTo, "."), "")) {
		c.Wrong(mistake.Place{}, "reply_to", "is no topic or subject: want a name of letters, digits, dashes and "+
			"underscores, or several with a dot between two")
	}
	delay := f.Retry.Delay
	if delay == 0 && (f.Retry.Backoff != "" || f.Retry.AllErrors) {
		delay = time.Second
	}
	out.step = event.RawStep{
		Target: fmt.Sprintf("%s %s %s", out.method, out.api, out.path.String()), Timeout: f.Timeout,
		Form: event.AnswerForm(f.Response), ReplyTo: f.ReplyTo, Debug: f.Debug,
		Retry: event.RawRetry{Most: f.Retry.MaxAttempts, Delay: delay,
			Growing: f.Retry.Backoff == Exponential, AllErrors: f.Retry.AllErrors},
	}
	if out.step.Form == "" {
		out.step.Form = event.AnswerJSON
	}
}

func unfit(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
}
