package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/exit"
)

// What happened to an event is told from the broker, the rules and the dead letters: by where it stood, by a person, by
// the identity of a call; before and after its rule was mended and its letter replayed.
func TestExplainTellsWhatHappened(t *testing.T) {
	beside(t)
	w := newWorld(t)
	address := refusal(t)
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "`+address+`", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	w.publishTexts([]string{`{"type":"numbered","who":"canary@example.com","seq":1}`,
		`{"type":"numbered","other":"canary@example.com"}`, `{"type":"skipped","seq":1}`, `{"type":"of.nobody"}`})
	config, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(config), `admin: {`, `admin: {recent_outcomes: 100, `, 1)
	w.write("ciobridge.yaml", text)
	p := start(t, "run", "-c", path)
	admin := p.admin(t)
	answers(t, admin+"/status", 200, `"dead_lettered": 1`, `"delivered": 1`, `"skipped": 2`)
	explain := func(code int, args ...string) string {
		t.Helper()
		var out, errs logBuffer
		got := run(t.Context(), append([]string{"explain", "-c", path}, args...),
			stdio{in: strings.NewReader(""), out: &out, err: &errs})
		if got != code {
			t.Errorf("%v: exit code %d, want %d:\n%s%s", args, got, code, &out, &errs)
		}
		searchOutput(t, "ciobridge explain "+strings.Join(args, " "), out.String()+errs.String())
		return out.String() + errs.String()
	}
	says := func(text string, patterns ...string) {
		t.Helper()
		for _, pattern := range patterns {
			if !regexp.MustCompile("(?m)" + pattern).MatchString(text) {
				t.Errorf("%s is not in\n%s", pattern, text)
			}
		}
	}
	asked := explain(exit.OK, "--origin", "EVENTS/0@1", "--url", admin)
	says(asked, `^mapped +track of rule "numbered"`, `^ +20\S+  accepted, answered 200 to request \d+, by rules of generation 1$`,
		`^bridge +20\S+  rule "numbered", call "track:numbered": accepted, answered 200 to request \d+,`)
	says(explain(exit.OK, "--origin", "EVENTS/0@2", "--url", admin), `^bridge .*: stored as a dead letter: missing_field,`)
	says(explain(exit.OK, "--origin", "EVENTS/0@3", "--url", admin), `^bridge .*skipped: the condition of no rule held$`)
	says(explain(exit.OK, "--origin", "EVENTS/0@4", "--url", admin), `^bridge .*skipped: no rule names its type$`)
	call := regexp.MustCompile(`id (\S{26})`).FindStringSubmatch(asked)[1]
	says(explain(exit.OK, "--id", call, "--since", "1ns", "--url", admin), `at EVENTS/0@1$`) // which the bridge tells
	answers(t, admin+"/outcomes?person=canary@example.com", 200, call, `"status": 200`)
	if code := p.stop(); code != exit.OK {
		t.Fatalf("exit code %d", code)
	}
	says(explain(exit.OK, "--origin", "EVENTS/0@1", "--url", admin), `^bridge +none answers at 127`, `^ +taken by Customer.io, if `)

	w.write("ciobridge.yaml", strings.Replace(text, address, "127.0.0.1:0", 1)) // which somebody else may have now
	taken := explain(exit.OK, "--origin", "EVENTS/0@1")
	says(taken, `^event +\S{26} at EVENTS/0@1$`, `^type +numbered$`, `^subject +hidden\(12 bytes\)$`, `^received +20`, `^source +finished`,
		`^matched +rule "numbered", 1 call$`, `^no call +rule "state": it does not name the type "numbered"`,
		`^mapped +track of rule "numbered", call "track:numbered", id \S{26}$`, `^ +taken by Customer.io, if `,
		`^bridge +none was asked: admin.listen does not tell where`)
	failed := explain(exit.OK, "--origin", "EVENTS/0@2")
	says(failed, `^no call +rule "numbered": cannot be mapped: missing_field, person: `, `^fails today +rule "numbered"`,
		`^ +dead letter \S{26}, open: missing_field$`, `^letter +\S{26} of rule "numbered"`,
		`^ +20\S+ +failed first, in mapping$`)
	says(explain(exit.OK, "--origin", "EVENTS/0@3"), `^no call +rule "never": .*seq`)
	says(explain(exit.OK, "--origin", "EVENTS/0@4"), `^type +of.nobody$`)

	id := regexp.MustCompile(`id (\S{26})`).FindStringSubmatch(taken)[1]
	says(explain(exit.OK, "--id", id, "--since", "1h"), `at EVENTS/0@1$`)
	says(explain(exit.OK, "--person", "canary@example.com", "--show-values"), `at EVENTS/0@1$`, `canary@example.com`,
		`^subject +events.test0$`)
	letter := regexp.MustCompile(`letter (\S{26})`).FindStringSubmatch(failed)[1]
	says(explain(exit.OK, "--id", letter, "-o", "json"), `"origin":"EVENTS/0@2"`, `"open":true`)

	w.write("rules.yaml", strings.Replace(worldRules, ".who, name: numbered", ".who // .other, name: numbered", 1))
	expect(t, exit.OK, "1 delivered", "dlq", "replay", "-c", path, "--all")
	says(explain(exit.OK, "--origin", "EVENTS/0@2"), `^matched +rule "numbered", 1 call$`,
		`^ +dead letter \S{26}, closed: replayed, and delivered$`, `^ +20\S+ +replayed, and delivered$`)

	says(explain(exit.Failure, "--origin", "EVENTS/0@99"), `there is no record at EVENTS/0@99`)
	says(explain(exit.Failure, "--person", "nobody", "--since", time.Now().Add(-time.Hour).Format(time.RFC3339)),
		`no such event was found among the records since`)
	says(explain(exit.Input, "--origin", "EVENTS"), `want TOPIC/PARTITION@OFFSET`)
	says(explain(exit.Input, "--origin", "EVENTS/0@1", "--id", letter), `give one of --origin, --person and --id`)
}
