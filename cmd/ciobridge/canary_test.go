package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// canaries stand in every place of an event that can hold something personal.
var canaries = []string{"canary-person", "canary@mail.invalid", "canary-payload", "canary-number-7001", "canary-key"}

// Every bridge that a test of this package runs has these credentials, and events that hold "canary" where nothing has
// to be read of them. Whatever such a bridge logs, at its end, and whatever a test gets of its admin server, is
// searched for that word.
const (
	canarySiteID = "canary-site-id"
	canaryAPIKey = "canary-api-key"
	canaryAppKey = "canary-app-key"
)

// canaryEvents fail in every stage, or do not fail at all.
var canaryEvents = []string{
	`{"type":"fine","who":"canary-person","email":"canary@mail.invalid","pad":"canary-payload"}`,
	`{"type":"fine","who":"canary-person\u0000","pad":"canary-payload"}`,
	`{"type":"failing","who":"canary-person","pad":"canary-number-7001"}`,
	`{"type":"failing","who":"canary-person","pad":"canary-payload",`,
	`{"who":"canary-person","email":"canary@mail.invalid"}`,
	`{"type":"fine","who":{"canary-key":"canary-person"},"pad":"canary-payload"}`,
}

// canaryLeftOut is an event whose values do not fit and are left out.
const canaryLeftOut = `{"type":"left","who":"canary-person","pad":"canary-payload","traits":{"email":"canary-payload",` +
	`"canary@mail.invalid":"canary-number-7001","_canary-key":1,"created_at":"canary-key"}}`

const canaryRules = `
rules:
  - name: fine
    event: fine
    do:
      - identify: {person: .who, attributes: {email: .email, pad: .pad}}
      - track: {person: .who, name: seen, data: {pad: .pad}}
  - name: failing
    event: failing
    do:
      - track: {person: .who, name: seen, data: {pad!: '= .pad | tonumber'}}
  - name: left
    event: left
    do:
      - identify: {person: .who, attributes: [.traits, {seen: '= .pad | unix'}]}
`

// What is personal, and the keys, reach Customer.io and the dead letters, and neither the log at its most talkative,
// nor the metrics, nor what health tells. Customer.io refuses some calls and quotes them in its answers, and refuses
// the key for a while.
func TestNothingPersonalIsShown(t *testing.T) {
	beside(t)
	w := newWorld(t)
	w.write("rules.yaml", canaryRules)
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.write("ciobridge.yaml", strings.Replace(string(text), "level: info", "level: debug", 1))
	w.publishTexts(append([]string{canaryLeftOut}, canaryEvents...))
	for _, spec := range []string{
		`path=/api/v2/batch,status=401,times=1,body="no key for canary-person <canary@mail.invalid>"`,
		`path=/api/v2/batch,status=500,times=1,body="canary-payload"`,
		`contains=canary@mail.invalid,refuse="canary@mail.invalid is taken by canary-person"`,
	} {
		fault, err := emulator.ParseFault(spec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.cio.AddFault(fault); err != nil {
			t.Fatal(err)
		}
	}

	p := start(t, "run", "-c", path)
	var dead []byte
	eventually(t, "every event is settled", 30*time.Second, func() bool {
		dead, _ = os.ReadFile(w.path("dead.jsonl"))
		return bytes.Count(dead, []byte("\n")) >= len(canaryEvents) && bytes.Contains(dead, []byte("refused"))
	})
	admin := p.adminAddr()
	shown := map[string]string{"metrics": get(t, "http://"+admin+"/metrics"),
		"readiness": get(t, "http://"+admin+"/readyz"), "status": get(t, "http://"+admin+"/status")}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	shown["the log"] = p.log.String()
	for _, command := range []string{"list", "stats", "show"} {
		var out bytes.Buffer
		if code := run(t.Context(), []string{"deadletters", command, "-c", path},
			stdio{in: strings.NewReader(""), out: &out, err: &out}); code > exit.Input {
			t.Errorf("deadletters %s: exit code %d", command, code)
		}
		shown["deadletters "+command] = out.String()
	}

	if !bytes.Contains(dead, []byte("refused")) || !strings.Contains(shown["the log"], "401") {
		t.Error("Customer.io refused neither a call nor the key")
	}
	if !strings.Contains(shown["the log"], "values do not fit") || !strings.Contains(shown["status"], `"left_out": 4`) {
		t.Errorf("nothing was left out: %s", shown["status"])
	}
	for _, canary := range canaries {
		if !bytes.Contains(dead, []byte(canary)) {
			t.Errorf("%s is in no dead letter: the test proves nothing about it", canary)
		}
	}
	for _, canary := range append(canaries, canaryAPIKey, canarySiteID) {
		for place, text := range shown {
			if strings.Contains(text, canary) {
				t.Errorf("%s shows %s", place, canary)
			}
		}
	}
	if !strings.Contains(shown["the log"], `"level":"debug"`) {
		t.Error("nothing was logged at debug")
	}
}

// searchLetters searches the headers of dead letters that are the bridge's own, where there is a file of them. Two hold
// what the store cannot hold as the record has it.
func searchLetters(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		return
	}
	for line := range bytes.Lines(text) {
		record, err := deadletter.ParseJSON(line)
		if err != nil {
			continue // half a line, of a process that was killed
		}
		for _, h := range record.Headers {
			if deadletter.IsOwnHeader(h.Key) && h.Key != deadletter.HeaderKey && h.Key != deadletter.HeaderOriginals {
				canarytest.Text(t, "the header "+h.Key+" of a dead letter", string(h.Value))
			}
		}
	}
}

// publishTexts fills the store of the embedded server before the bridge starts.
func (w *world) publishTexts(events []string) {
	w.t.Helper()
	w.withEmbedded(func(js jetstream.JetStream) {
		for i, event := range events {
			if _, err := js.Publish(w.t.Context(), fmt.Sprintf("events.test%d", i), []byte(event)); err != nil {
				w.t.Fatal(err)
			}
		}
	})
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || len(body) == 0 {
		t.Fatalf("%s: %d bytes, %v", url, len(body), err)
	}
	canarytest.Text(t, url, string(body))
	return string(body)
}
