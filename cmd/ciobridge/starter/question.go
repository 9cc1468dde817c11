package starter

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/internal/choice"
)

// answers are what files are made of, by the names of the flags.
type answers map[string]string

// question asks for one answer, which a flag may give.
type question struct {
	flag    string
	text    string // as it is asked, and in the help
	choices []string
	usual   func(answers) string // the default, which may depend on earlier answers
	check   func(string) error
	asked   func(answers) bool // nil: always
}

// The sources.
const (
	kafka    = "kafka"
	nats     = "nats"
	embedded = "embedded"
	lines    = "lines"
)

// by gives a default for each answer of another question.
func by(flag string, defaults map[string]string) func(answers) string {
	return func(a answers) string { return defaults[a[flag]] }
}

func always(text string) func(answers) string { return func(answers) string { return text } }

var questions = []question{
	{flag: "source", text: "where events are read", choices: []string{kafka, nats, embedded, lines},
		usual: always(kafka)},
	{flag: "servers", text: "the servers, with commas between",
		usual: by("source", map[string]string{kafka: "localhost:9092", nats: "nats://localhost:4222"}),
		asked: func(a answers) bool { return a["source"] == kafka || a["source"] == nats }, check: notEmpty},
	{flag: "topic", text: "the topic or stream, or the file of lines",
		usual: by("source", map[string]string{kafka: "events", nats: "EVENTS", embedded: "EVENTS",
			lines: "events.ndjson"}), check: notEmpty},
	{flag: "envelope", text: "how events are written", choices: []string{"plain", "cloudevents", "segment"},
		usual: always("plain")},
	{flag: "region", text: "the region of the Customer.io workspace", choices: []string{"us", "eu"},
		usual: always("us")},
	{flag: "event", text: "the type of the first event that becomes a call",
		usual: by("envelope", map[string]string{"plain": "user.signed_up", "cloudevents": "user.signed_up",
			"segment": "track"}), check: isType},
	{flag: "person", text: "where such an event has the person's id",
		usual: by("envelope", map[string]string{"plain": ".user_id", "cloudevents": ".data.user_id",
			"segment": ".userId"}), check: isPath},
}

func notEmpty(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("is empty")
	}
	return nil
}

func isType(s string) error {
	if strings.Contains(s, "*") {
		return errors.New("is a pattern: the first rule is for one type, such as user.signed_up")
	}
	return notEmpty(s)
}

var path = regexp.MustCompile(`^(\.[A-Za-z_][A-Za-z0-9_]*)+$`)

func isPath(s string) error {
	if !path.MatchString(s) {
		return errors.New("is no path: want names with dots before them, such as .data.user_id")
	}
	return nil
}

// accept says what is wrong with an answer.
func (q *question) accept(answer string) error {
	if len(q.choices) > 0 && !slices.Contains(q.choices, answer) {
		return fmt.Errorf("want %s%s", choice.List(q.choices), choice.Near(answer, q.choices))
	}
	if q.check != nil {
		return q.check(answer)
	}
	return nil
}

// ask asks for what is not given yet, until the answer can be used. An empty answer is the default.
func (a answers) ask(in io.Reader, out io.Writer) error {
	from := bufio.NewReader(in)
	for i := range questions {
		q := &questions[i]
		if _, given := a[q.flag]; given || q.asked != nil && !q.asked(a) {
			continue
		}
		words := ""
		if len(q.choices) > 0 {
			words = ": " + choice.List(q.choices)
		}
		for a[q.flag] == "" {
			fmt.Fprintf(out, "%s%s [%s]? ", strings.ToUpper(q.text[:1])+q.text[1:], words, q.usual(a))
			line, err := from.ReadString('\n')
			answer := strings.TrimSpace(line)
			if answer == "" && err != nil {
				fmt.Fprintln(out)
				return errors.New("the answers ended too early: nothing was written")
			}
			if answer == "" {
				answer = q.usual(a)
			}
			if err := q.accept(answer); err != nil {
				fmt.Fprintf(out, "%q: %v\n", answer, err)
				continue
			}
			a[q.flag] = answer
		}
	}
	return nil
}

// complete gives what was not said its default, and finds what cannot be used.
func (a answers) complete() error {
	var errs []error
	for i := range questions {
		q := &questions[i]
		answer, given := a[q.flag]
		if q.asked != nil && !q.asked(a) {
			if given {
				errs = append(errs, fmt.Errorf("--%s: has no meaning for the source %s", q.flag, a["source"]))
			}
			continue
		}
		if !given {
			a[q.flag] = q.usual(a)
		} else if err := q.accept(answer); err != nil {
			errs = append(errs, fmt.Errorf("--%s %q: %w", q.flag, answer, err))
		}
	}
	return errors.Join(errs...)
}
