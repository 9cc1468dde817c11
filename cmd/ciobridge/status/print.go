package status

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/internal/output"
)

// print tells a status: in lines what there is one of, and in tables the rest.
func print(w io.Writer, s status.Status, now time.Time) error {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-13s %s\n", name, output.Printable(fmt.Sprintf(format, args...)))
	}
	state := "ready"
	if !s.Ready {
		state = "not ready"
	}
	line("bridge", "%s, version %s%s", state, s.Version, since(", up ", "", s.Started, now))
	for _, why := range s.NotReady {
		line("not ready", "%s", why)
	}
	for _, stop := range s.Stopped {
		line("stopped", "%s", stop.Why)
	}
	line("rules", "%s, hash %s, generation %d", output.Count(len(s.Rules), "rule"), s.ConfigHash, s.Generation)
	if r := s.Refused; r != nil {
		line("refused", "what the rule files hold since %s: %s", r.Since.UTC().Format(time.RFC3339), r.Reason)
	}
	line("source", "%s: %s%s", s.Source.Kind, strings.Join(s.Source.Reads, ", "), behind(s.Source.Partitions))
	m := s.Messages
	line("messages", "%d delivered, %d skipped, %d with dead letters", m.Delivered, m.Skipped, m.DeadLettered)
	line("calls", "%d taken, %d refused, in %s%s", m.Calls, m.Refused, output.Count(m.Requests, "request"),
		since(", the last taken ", " ago", s.LastSuccess, now))
	line("dead letters", "%s", letters(s.DeadLetters, now))
	if len(s.Unmatched.Types) > 0 {
		line("no rule for", "%s", unmatched(s.Unmatched))
	}
	for _, rows := range [][][]string{
		partitions(s.Source.Partitions), destinations(s.Destinations, now), rules(s.Rules),
	} {
		if len(rows) == 1 {
			continue
		}
		fmt.Fprintln(w)
		if err := output.Table(w, rows); err != nil {
			return err
		}
	}
	return nil
}

// since tells how long ago something was; it is empty where it never was.
func since(before, after string, at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	return before + max(0, now.Sub(at)).Round(time.Second).String() + after
}

// behind sums up partitions.
func behind(list []status.Partition) string {
	lag, oldest, read := int64(0), 0.0, 0
	for _, p := range list {
		if p.Lag != nil {
			read++
			lag += *p.Lag
			oldest = max(oldest, p.Oldest)
		}
	}
	if read == 0 {
		return "; nothing is read here"
	}
	text := fmt.Sprintf("; %s behind in %s", output.Count(int(lag), "message"), output.Count(read, "partition"))
	if oldest > 0 {
		text += ", the oldest in hand for " + seconds(oldest)
	}
	return text
}

func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d < 10*time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func letters(l status.Letters, now time.Time) string {
	text := "in " + l.Where
	if l.Open != nil {
		text = fmt.Sprintf("%d open %s%s", *l.Open, text, since(", counted ", " ago", l.Counted, now))
		if *l.Open > 0 {
			text += ": " + counts(l.Reasons) + since("; the oldest is ", " old", l.Oldest, now)
		}
	}
	if l.Down {
		text += "; they cannot be stored, and the source waits"
	}
	return text
}

// counts lists what there is of each, most first.
func counts(of map[string]int) string {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		return cmp.Or(cmp.Compare(of[b], of[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, name := range names {
		if of[name] > 0 {
			parts = append(parts, strconv.Itoa(of[name])+" "+name)
		}
	}
	return strings.Join(parts, ", ")
}

// mostTypes is how many types are named that no rule names.
const mostTypes = 5

func unmatched(u status.Unmatched) string {
	var parts []string
	for _, t := range u.Types[:min(len(u.Types), mostTypes)] {
		parts = append(parts, fmt.Sprintf("%q (%d)", t.Type, t.Events))
	}
	if more := len(u.Types) - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %s", output.Count(more, "other type")))
	}
	return strings.Join(parts, ", ")
}

func partitions(list []status.Partition) [][]string {
	rows := [][]string{{"TOPIC", "PARTITION", "STATE", "NEXT", "LAG", "IN FLIGHT", "OLDEST"}}
	for _, p := range list {
		row := []string{output.Printable(p.Topic), strconv.Itoa(int(p.Partition)), output.Printable(p.State), "-", "-",
			"-", "-"}
		if p.Offset != nil && p.Lag != nil {
			row = append(row[:3], strconv.FormatInt(*p.Offset, 10), strconv.FormatInt(*p.Lag, 10),
				strconv.Itoa(p.InFlight), "-")
			if p.Oldest > 0 {
				row[6] = seconds(p.Oldest)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func destinations(list []status.Destination, now time.Time) [][]string {
	rows := [][]string{{"WORKSPACE", "ENDPOINT", "STATE", "LAST TAKEN", "URL", "TROUBLE"}}
	for _, d := range list {
		state, trouble := d.State, d.Trouble
		if d.Held {
			state += ", held"
		}
		if trouble != "" {
			trouble = fmt.Sprintf("%s, status %d, %s since %s", trouble, d.Status, output.Count(d.Failures, "failure"),
				d.Since.UTC().Format(time.RFC3339))
		}
		rows = append(rows, []string{output.Dash(d.Workspace), d.Endpoint, state,
			output.Dash(since("", " ago", d.Accepted, now)), output.Printable(d.URL), output.Dash(trouble)})
	}
	return rows
}

func rules(list []status.Rule) [][]string {
	rows := [][]string{{"RULE", "MATCHED", "SKIPPED", "CALLS", "FAILED"}}
	for _, r := range list {
		row := []string{output.Printable(r.Rule)}
		for _, n := range []uint64{r.Matched, r.Skipped, r.Calls, r.Failed} {
			row = append(row, strconv.FormatUint(n, 10))
		}
		rows = append(rows, row)
	}
	return rows
}
