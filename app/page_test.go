package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/file"
	"github.com/ciobridge/ciobridge/event"
)

// blockingLog is a log of dead letters whose readers wait.
type blockingLog struct {
	*file.Store
	began, release chan struct{}
	broken         error
}

func (l *blockingLog) Scan(ctx context.Context, each func(deadletter.Record) error) error {
	if l.began != nil {
		close(l.began)
		<-l.release
		l.began = nil
	}
	if l.broken != nil {
		return l.broken
	}
	return l.Store.Scan(ctx, each)
}

// The operator's page is told letters and their story without anything of the event but its shape. The log is read by
// one request at a time, and an answer stands for a while.
func TestPageTellsLetters(t *testing.T) {
	log := &blockingLog{Store: file.New(deadletter.Config{File: filepath.Join(t.TempDir(), "dead.jsonl")}, "")}
	ready := false
	mux := http.NewServeMux()
	status.NewPage(func() status.Status { return status.Status{} }, func() deadletter.Reader {
		if !ready {
			return nil
		}
		return log
	}).Handle(mux)
	ask := func(path string, code int) string {
		t.Helper()
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != code || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v, want %d: %s", path, w.Code, w.Header(), code, w.Body)
		}
		if strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s shows a value: %s", path, w.Body)
		}
		return w.Body.String()
	}
	ask("/letters", http.StatusServiceUnavailable)
	ready = true
	id := event.ID{15: 1}
	if err := log.Put(t.Context(), event.FailedMessage{Message: event.Message{
		Origin: event.Origin{Topic: "t", Offset: 7}, Key: []byte("canary"), Value: []byte(`{"who":"canary@example.com"}`)},
		Failures: []event.Failure{{ID: id, Stage: event.StageMapping, Reason: event.ReasonMissingField, Rule: "r"}},
	}); err != nil {
		t.Fatal(err)
	}
	log.began, log.release = make(chan struct{}), make(chan struct{})
	began, ended := log.began, make(chan string)
	go func() { ended <- ask("/letters", http.StatusOK) }()
	<-began
	ask("/letters/"+id.String(), http.StatusServiceUnavailable)
	close(log.release)
	var got struct {
		Open    int
		Letters []status.Letter
		Value   string
	}
	if err := json.Unmarshal([]byte(<-ended), &got); err != nil || got.Open != 1 || len(got.Letters) != 1 ||
		got.Letters[0].Origin != "t/0@7" || got.Letters[0].ID != id.String() || len(got.Letters[0].Steps) != 0 {
		t.Errorf("%v: %+v", err, got)
	}
	text := ask("/letters/"+id.String(), http.StatusOK)
	if err := json.Unmarshal([]byte(text), &got); err != nil || !got.Letters[0].Open ||
		len(got.Letters[0].Steps) != 1 || got.Value != `{"who":"string(18)"}` {
		t.Errorf("%v: %s", err, text)
	}
	ask("/letters/"+event.ID{15: 2}.String(), http.StatusNotFound)
	ask("/letters/none", http.StatusBadRequest)
	log.broken = errors.New("canary: the log is away")
	ask("/letters/"+id.String(), http.StatusBadGateway)
	ask("/letters", http.StatusOK) // as it was told before
	if page := ask("/", http.StatusOK); !strings.Contains(page, "<title>ciobridge</title>") {
		t.Error(page)
	}
	ask("/nothing", http.StatusNotFound)
}
