package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// What a bridge does is told for people and as JSON: where it stands, what was delivered, and what failed.
func TestStatusTellsWhatABridgeDoes(t *testing.T) {
	beside(t)
	w := newWorld(t)
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+", count_every: 50ms}")
	texts := []string{`{"type":"numbered","who":null}`, `{"type":"of.nobody"}`, `{"type":"skipped","seq":1}`}
	for range 10 {
		texts = append(texts, `{"type":"numbered","who":"7"}`)
	}
	w.publishTexts(texts)
	p := start(t, "run", "-c", path)
	url := p.admin(t)
	var s status.Status
	eventually(t, "everything is told as done", 20*time.Second, func() bool {
		out, code := command(t, "status", "--url", url, "-o", "json")
		if s = (status.Status{}); code == exit.OK && json.Unmarshal([]byte(out), &s) != nil {
			t.Fatalf("no JSON: %s", out)
		}
		open := s.DeadLetters.Open
		at := s.Source.Partitions
		return s.Messages.Delivered+s.Messages.Skipped+s.Messages.DeadLettered == 13 && open != nil && *open == 1 &&
			len(at) == 1 && at[0].Offset != nil && *at[0].Offset == 14
	})
	at := s.Source.Partitions
	if len(at) != 1 || at[0].Topic != "EVENTS" || at[0].State != "active" ||
		s.Source.Kind != "embedded" || !s.Ready || s.Generation != 1 || s.Started.IsZero() || s.LastSuccess.IsZero() {
		t.Errorf("told %+v", s)
	}
	if d := s.Destinations; len(d) == 0 || d[0].URL != w.server.URL || d[0].State != "ok" ||
		d[0].Accepted != s.LastSuccess || s.DeadLetters.Reasons["missing_field"] != 1 ||
		s.DeadLetters.Where != "file "+w.path("dead.jsonl") {
		t.Errorf("told %+v", s)
	}
	metrics := fetched(url + "/metrics")
	for _, line := range []string{`ciobridge_dead_letters_open{reason="missing_field"} 1`, "ciobridge_delay_seconds_count 10",
		`ciobridge_delay_seconds_bucket{le="259200"} 10`} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	text, _ := command(t, "status", "--url", url+"/")
	for _, want := range []string{
		`(?m)^bridge +ready, version \S+, up \d+s$`, `(?m)^source +embedded: EVENTS; \d+ messages? behind in 1 partition`,
		`(?m)^messages +10 delivered, 2 skipped, 1 with dead letters$`,
		`(?m)^calls +10 taken, 0 refused, in \d+ requests?, the last taken \d+s ago$`,
		`(?m)^dead letters +1 open in file \S+, counted \d+s ago: 1 missing_field(; the oldest is \d+s old)?$`,
		`(?m)^no rule for +"of.nobody" \(1\)$`, `(?m)^EVENTS +0 +active +14 `, `(?m)^numbered +\d+ +0 +\d+ +1$`,
		`(?m)^- +\S+ +ok +\d+s ago +` + regexp.QuoteMeta(w.server.URL),
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	for address, want := range map[string]struct {
		code int
		says string
	}{
		url: {exit.Failure, "no status: "},
		w.server.URL + "/_emulator/stats?x=/status": {exit.Failure, "404 Not Found"},
		"127.0.0.1:8080": {exit.Input, "--url: want the address of an admin server"},
	} {
		var out, errs logBuffer
		code := run(t.Context(), []string{"status", "--url", address},
			stdio{in: strings.NewReader(""), out: &out, err: &errs})
		if code != want.code || !strings.Contains(errs.String(), want.says) || out.String() != "" {
			t.Errorf("%s: exit code %d, %s%s", address, code, &out, &errs)
		}
	}
}
