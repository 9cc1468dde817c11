package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

const brakeRules = `
rules:
  - name: own
    owner: crm-team
    event: own
    do: [{track: {person: .who, name: own}}]
  - name: other
    event: other
    do: [{track: {person: .who, name: other}}]
`

// ownAndOther are so many events of two teams, for different persons.
func ownAndOther(n int) (events []string) {
	for i := range n {
		team := []string{"own", "other"}[i%2]
		events = append(events, fmt.Sprintf(`{"type":%q,"who":"%s-%d"}`, team, team, i))
	}
	return events
}

// Customer.io refuses what one team's rule makes. The rule stops, is told of with its owner, and the other team's
// events go on. When Customer.io takes the calls again, ciobridge resume brings what was held, on both kinds of broker.
func TestAStoppedRuleIsResumed(t *testing.T) {
	t.Parallel()
	const events = 400
	t.Run("jetstream", func(t *testing.T) {
		beside(t)
		w := newWorld(t)
		w.write("rules.yaml", brakeRules)
		path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
			"{file: "+w.path("dead.jsonl")+"}")
		w.publishTexts(ownAndOther(events))
		w.stopsAndResumes(t, path, events)
	})
	t.Run("kafka", func(t *testing.T) {
		longtest.Only(t)
		beside(t)
		b := newBus(t, 2)
		b.write("rules.yaml", brakeRules)
		path := b.configure(fmt.Sprintf("{kafka: {brokers: [%q], group: bridge, start_at: earliest, "+
			"session_timeout: 10s, topics: [{name: %s}]}}", b.brokers[0], eventsTopic), "{topic: "+deadTopic+"}")
		var records []*kgo.Record
		for i, text := range ownAndOther(events) {
			records = append(records, &kgo.Record{Key: fmt.Append(nil, i), Value: []byte(text)})
		}
		if err := b.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		b.stopsAndResumes(t, path, events)
	})
}

func (w *world) stopsAndResumes(t *testing.T, path string, events int) {
	if _, err := w.cio.AddFault(emulator.Fault{Name: "refuse", Contains: `own-`, Refuse: "no such thing"}); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "-c", path)
	admin := p.admin(t)
	taken := func(event string) int {
		persons := map[string]bool{}
		for _, r := range w.cio.Receipts(0) {
			if r.Taken && strings.HasPrefix(r.Person, "id:"+event+"-") {
				persons[r.Person] = true
			}
		}
		return len(persons)
	}
	eventually(t, "the rule stops and the other's events arrive", 30*time.Second, func() bool {
		return taken("other") == events/2 && strings.Contains(get(t, admin+"/metrics"),
			`ciobridge_stopped{cause="failing",owner="crm-team",rule="own",topic=""} 1`)
	})
	if s := get(t, admin+"/status"); !strings.Contains(s, `"rule": "own"`) || !strings.Contains(s, `"stopped"`) {
		t.Errorf("the status says nothing of it: %s", s)
	}
	if !strings.Contains(p.log.String(), `"owner":"crm-team"`) {
		t.Error("the log does not name the owner")
	}
	w.cio.ClearFaults()
	resume := func(args ...string) string {
		var out bytes.Buffer
		args = append([]string{"resume", "--url", admin}, args...)
		if code := run(t.Context(), args, stdio{in: strings.NewReader(""), out: &out, err: &out}); code != 0 {
			t.Errorf("resume: exit code %d: %s", code, &out)
		}
		return out.String()
	}
	if got := resume("--rule", "other"); got != "nothing of that has stopped\n" {
		t.Errorf("%q", got)
	}
	for _, flags := range [][]string{{"--rule", "own", "--rule", "ownn"}, {"--topic", "EVENTZ"}} {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"resume", "--url", admin}, flags...),
			stdio{in: strings.NewReader(""), out: &out, err: &errs})
		if code != exit.Input || !strings.Contains(errs.String(), "not resumed: there is no ") || out.Len() > 0 {
			t.Errorf("%v: exit code %d: %s%s", flags, code, &out, &errs)
		}
	}
	if got := resume("--rule", "own"); got != "resumed: rule own in delivery\n" {
		t.Errorf("%q", got)
	}
	letters := func() int {
		text := get(t, admin+"/metrics")
		_, rest, _ := strings.Cut(text, `ciobridge_dead_letters_total{reason="refused"} `)
		n := 0
		fmt.Sscan(rest, &n)
		return n
	}
	eventually(t, "what was held arrives", 30*time.Second, func() bool {
		return taken("own") > events/4 && taken("own")+letters() >= events/2 &&
			!strings.Contains(get(t, admin+"/readyz"), "has stopped")
	})
	if n := letters(); n == 0 || n >= events/2 {
		t.Errorf("%d dead letters", n)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A rule that cannot be mapped stops. When its file is mended, what was held is mapped by the new rule, without a word
// of anybody.
func TestAMendedRuleGoesOn(t *testing.T) {
	longtest.Only(t)
	beside(t)
	const events = 300
	w := newWorld(t)
	w.write("rules.yaml", strings.Replace(brakeRules, "name: own}", "name: own, data: {total!: .total}}", 1))
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	w.publishTexts(ownAndOther(events))
	p := start(t, "run", "-c", path)
	admin := p.admin(t)
	eventually(t, "the rule stops", 30*time.Second, func() bool {
		return strings.Contains(get(t, admin+"/metrics"), `ciobridge_stopped{cause="failing",owner="crm-team",rule="own"`)
	})
	w.write("rules.yaml", brakeRules)
	eventually(t, "what was held arrives", 30*time.Second, func() bool {
		persons := map[string]bool{}
		for _, r := range w.cio.Receipts(0) {
			persons[r.Person] = r.Taken
		}
		dead, _ := os.ReadFile(w.path("dead.jsonl"))
		return len(persons)+bytes.Count(dead, []byte("\n")) >= events && len(persons) > events/2
	})
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Nobody but a program on the machine itself resumes anything.
func TestResumeIsForTheMachineItself(t *testing.T) {
	beside(t)
	w := newWorld(t)
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: latest}}`,
		"{file: "+w.path("d.jsonl")+"}")
	admin := start(t, "run", "-c", path).admin(t)
	ask := func(method string, header ...string) int {
		req, err := http.NewRequest(method, admin+"/resume", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			if req.Header.Set(header[i], header[i+1]); header[i] == "Host" {
				req.Host = header[i+1]
			}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for name, code := range map[string]int{
		"straight": ask("POST", "Ciobridge-Resume", "1"), "by GET": ask("GET", "Ciobridge-Resume", "1"),
		"without the header": ask("POST"), "by a proxy": ask("POST", "Ciobridge-Resume", "1", "X-Forwarded-For", "::1"),
		"by a page":    ask("POST", "Ciobridge-Resume", "1", "Origin", "http://127.0.0.1"),
		"by a name":    ask("POST", "Ciobridge-Resume", "1", "Host", "evil.example:80"),
		"by Forwarded": ask("POST", "Ciobridge-Resume", "1", "Forwarded", "for=192.0.2.1"),
	} {
		want := http.StatusForbidden
		switch name {
		case "straight":
			want = http.StatusOK
		case "by GET":
			want = http.StatusMethodNotAllowed
		}
		if code != want {
			t.Errorf("%s: %d, want %d", name, code, want)
		}
	}
	var out bytes.Buffer
	for _, bad := range []string{"ftp://127.0.0.1", "%", "127.0.0.1:1"} {
		if code := run(t.Context(), []string{"resume", "--url", bad}, stdio{in: strings.NewReader(""), out: &out,
			err: &out}); code != exit.Input {
			t.Errorf("--url %s: exit code %d", bad, code)
		}
	}
}
