package explain

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/app/outcomes"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/event"
)

// answerLimit is how long a bridge is waited for, which may not run at all.
const answerLimit = 2 * time.Second

// bridge is a bridge that may run, and may know what became of an event.
type bridge struct {
	at     *url.URL // where it is asked; nil where that is not known
	silent string   // why it is not asked again
}

// bridgeAt is the bridge at an address, or, without one, where the configuration has its admin server listen.
func bridgeAt(address, listen string) (bridge, error) {
	if address == "" {
		host, port, err := net.SplitHostPort(listen)
		if err != nil || port == "0" {
			return bridge{silent: "none was asked: admin.listen does not tell where, and --url would"}, nil
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		address = "http://" + net.JoinHostPort(host, port)
	}
	at, err := cli.AdminURL(address, outcomes.Path)
	return bridge{at: at}, err
}

// ask asks for outcomes by one of their properties, and says in words why none are known. Of a bridge that does not
// answer it is not an error: there may be none.
func (b *bridge) ask(ctx context.Context, property, value string) (a outcomes.Answer, why string) {
	if b.silent != "" {
		return a, b.silent
	}
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	at := *b.at
	at.RawQuery = url.Values{property: {value}}.Encode()
	where := "the one at " + b.at.Host
	text, err := cli.Ask(ctx, http.MethodGet, &at)
	var refused *cli.RefusedError
	switch {
	case errors.As(err, &refused):
		b.silent = where + " cannot tell: " + refused.Error()
	case err != nil:
		b.silent = "none answers at " + b.at.Host
	case json.Unmarshal(text, &a) != nil:
		b.silent = "what answers at " + b.at.Host + " is none"
	case a.Limit == 0:
		b.silent = where + " keeps no outcomes: admin.recent_outcomes is 0"
	case len(a.Outcomes) > 0:
		return a, ""
	case a.Held < a.Limit:
		return a, where + " has no outcome of it since its start: it is not finished, was finished before, or " +
			"another replica reads it"
	default:
		return a, fmt.Sprintf("%s has no outcome of it: it is not finished, was finished before %s, from when on it "+
			"has outcomes, or another replica reads it", where, a.Oldest.UTC().Format(time.RFC3339))
	}
	return a, b.silent
}

// skips are the reasons for which a message is skipped, in words.
var skips = map[string]string{
	event.SkippedNoEvent.String():   "the record holds no event",
	event.SkippedNoRule.String():    "no rule names its type",
	event.SkippedCondition.String(): "the condition of no rule held",
	event.SkippedNoCall.String():    "rules applied, and conditions or empty lists left no call",
	event.SkippedUnsent.String():    "rules applied that send nothing",
}

// outcomeText tells an outcome in words.
func outcomeText(o *outcomes.Outcome) string {
	var text strings.Builder
	switch o.Became {
	case "accepted":
		text.WriteString("accepted")
	case "refused":
		text.WriteString("refused: " + o.Reason)
	case "dead_lettered":
		text.WriteString("stored as a dead letter: " + o.Reason)
	case "skipped":
		return "skipped: " + cmp.Or(skips[o.Reason], o.Reason)
	default:
		text.WriteString(o.Became)
	}
	switch {
	case o.Request > 0:
		fmt.Fprintf(&text, ", answered %d to request %d", o.Status, o.Request)
	case o.Became != "dead_lettered":
		text.WriteString(" without a request")
	}
	if o.Attempts > 1 {
		fmt.Fprintf(&text, ", attempt %d", o.Attempts)
	}
	if o.Generation > 0 {
		fmt.Fprintf(&text, ", by rules of generation %d", o.Generation)
	}
	return text.String()
}
