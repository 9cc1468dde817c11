package delivery_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// TestARequestOfARulesOwn is made with its headers, within its time-out and over its API; its answer is kept where it
// is to be published.
func TestARequestOfARulesOwn(t *testing.T) {
	var got *http.Request
	var body []byte
	answer := `{"id": 7}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		if r.URL.Query().Get("slow") != "" {
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Second):
			}
		}
		w.Header().Set("Content-Type", "text/x")
		fmt.Fprint(w, answer)
	}))
	defer s.Close()
	c := customerio.DefaultConfig()
	dir := t.TempDir()
	c.Region, c.URL = customerio.US, s.URL
	for name, file := range map[string]*string{"a": &c.SiteIDFile, "b": &c.APIKeyFile, "app": &c.AppKeyFile} {
		*file = filepath.Join(dir, name)
		if err := os.WriteFile(*file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client, err := customerio.NewClient(c, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	sender := delivery.New([]delivery.Workspace{{Client: client, Config: c}}, canarytest.Logger(t),
		canarytest.Registry(t))
	send := func(path string, step event.RawStep) event.Outcome {
		header := map[string][]string{"Content-Type": {"text/csv"}, "X-Request-Id": {"7"}}
		call := event.Call{Step: &event.Step{Rule: "r"}, Body: []byte("a,b"), Single: &event.Request{
			Method: "POST", Path: path, Destination: event.Destination(customerio.App.In(0)),
			Raw: &event.Raw{Header: header, RawStep: &step},
		}}
		return sender.Send(t.Context(), []event.Call{call})[0]
	}
	o := send("/v1/x?a=b", event.RawStep{Form: event.AnswerJSON, ReplyTo: "answers"})
	if o.Result != event.Delivered || o.Answer == nil || string(o.Answer.Body) != answer || o.Answer.Type != "text/x" {
		t.Errorf("%+v", o)
	}
	if got.RequestURI != "/v1/x?a=b" || string(body) != "a,b" || got.Header.Get("X-Request-Id") != "7" ||
		got.Header.Get("Content-Type") != "text/csv" || got.Header.Get("Authorization") != "Bearer app" {
		t.Errorf("%s %v %s", got.RequestURI, got.Header, body)
	}
	answer = "<p>"
	if o := send("/v1/x", event.RawStep{Form: event.AnswerText}); o.Result != event.Delivered || o.Answer != nil {
		t.Errorf("a text: %+v", o)
	}
	answer = `{"results":[` + strings.Repeat(" ", 1<<20)
	o = send("/v1/x", event.RawStep{Form: event.AnswerJSON, ReplyTo: "answers"})
	if o.Result != event.Delivered || o.Answer == nil || !o.Answer.Cut || len(o.Answer.Body) != 0 {
		t.Errorf("a long answer: %+v", o)
	}
	began := time.Now()
	o = send("/v1/x?slow=1", event.RawStep{Form: event.AnswerJSON, Timeout: 100 * time.Millisecond})
	if took := time.Since(began); o.Result != event.Open || !o.MayBeSent || took > 3*time.Second {
		t.Errorf("%+v after %s", o, took)
	}
}
