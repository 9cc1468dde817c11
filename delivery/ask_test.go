package delivery_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

var question = customerio.Request{
	Endpoint: customerio.App, Method: http.MethodGet, Path: "/v1/segments", Keep: 1 << 10,
}

// asked are the answers to the first requests of App, and when each was made; what follows is taken.
type asked struct {
	answers []func(*http.Request) (*http.Response, error)
	at      []time.Duration
	began   time.Time
}

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	n := len(a.at)
	a.at = append(a.at, time.Since(a.began))
	if n < len(a.answers) {
		return a.answers[n](r)
	}
	return reply(200, `{"segments":null}`)
}

func says(status int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return reply(status, `{"errors":[{"detail":"no","status":"0"}]}`, header...)
	}
}

func asking(t *testing.T, a *asked) *delivery.Sender {
	t.Helper()
	a.began = time.Now()
	return delivery.New(workspaces(t, a), canarytest.Logger(t), canarytest.Registry(t))
}

// A question waits for minutes where Customer.io asks for that, and again, and then has its answer.
func TestAQuestionWaitsAsLongAsCustomerioAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := says(429, "Retry-After", "180")
		a := &asked{answers: []func(*http.Request) (*http.Response, error){slow, slow, says(503, "Retry-After", "60")}}
		s := asking(t, a)
		answer, err := s.Ask(t.Context(), "", question)
		if err != nil || answer.Status != 200 || string(answer.Content.Body) != `{"segments":null}` {
			t.Fatalf("%+v, %v", answer, err)
		}
		if took := time.Since(a.began); len(a.at) != 4 || took < 7*time.Minute || took > 8*time.Minute {
			t.Errorf("%d requests in %s", len(a.at), took)
		}
	})
}

// A refusal is an answer; what fails by itself is given up after some attempts, and what fails because Customer.io
// cannot be reached is not.
func TestWhatComesOfAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := says(500)
		a := &asked{answers: []func(*http.Request) (*http.Response, error){
			says(404), bad, bad, bad, bad, bad,
			func(*http.Request) (*http.Response, error) { return nil, io.ErrClosedPipe },
		}}
		s := asking(t, a)
		if answer, err := s.Ask(t.Context(), "", question); err != nil || answer.Verdict != customerio.Refused {
			t.Errorf("%+v, %v", answer, err)
		}
		answer, err := s.Ask(t.Context(), "", question)
		if err != nil || answer.Verdict != customerio.Retry || answer.Status != 500 || len(a.at) != 6 {
			t.Errorf("%+v, %v after %d requests", answer, err, len(a.at))
		}
		if answer, err := s.Ask(t.Context(), "", question); err != nil || answer.Status != 200 || len(a.at) != 8 {
			t.Errorf("%+v, %v after %d requests", answer, err, len(a.at))
		}
		var nobody *delivery.NoWorkspaceError
		if _, err := s.Ask(t.Context(), "nobody", question); !errors.As(err, &nobody) || len(a.at) != 8 {
			t.Errorf("of a workspace that is not there: %v", err)
		}
	})
}

// A key that is revoked halts its endpoint, and the question goes on by itself when there is a new one. It does not
// wait for ever: questions to another workspace may be behind it.
func TestAQuestionWaitsForANewKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{}
		for range 1000 {
			a.answers = append(a.answers, func(r *http.Request) (*http.Response, error) {
				if r.Header.Get("Authorization") == "Bearer mended" {
					return reply(200, `{"segments":[]}`)
				}
				return says(401)(r)
			})
		}
		list := workspaces(t, a)
		a.began = time.Now()
		s := delivery.New(list, canarytest.Logger(t), canarytest.Registry(t))
		var halted delivery.Condition
		_, err := s.Ask(t.Context(), "", question)
		var stuck *delivery.HaltedError
		if took := time.Since(a.began); !errors.As(err, &stuck) || stuck.State.Status != 401 || took > 75*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		a.began = time.Now()
		time.AfterFunc(30*time.Second, func() {
			for _, r := range s.Reports() {
				if r.Endpoint == customerio.App && r.Workspace == "" {
					halted = r.Condition
				}
			}
			if err := os.WriteFile(list[0].Config.AppKeyFile, []byte("mended"), 0o600); err != nil {
				t.Error(err)
			}
		})
		answer, err := s.Ask(t.Context(), "", question)
		if took := time.Since(a.began); err != nil || answer.Status != 200 || halted != delivery.Halted ||
			took < 30*time.Second || took > 33*time.Second {
			t.Errorf("%+v, %v after %s, when it was %s", answer, err, took, halted)
		}
	})
}

// The end of its context ends a question wherever it is, and tells nothing about Customer.io. While the workspace is
// held the question waits.
func TestAQuestionEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		a := &asked{answers: []func(*http.Request) (*http.Response, error){hang, says(429, "Retry-After", "600")}}
		s := asking(t, a)
		for i, name := range []string{"on the wire", "in a pause", "while held"} {
			if i == 2 {
				s.Hold(0, "", 0)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			if _, err := s.Ask(ctx, "", question); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
			if i == 1 {
				time.Sleep(11 * time.Minute)
			}
			if want := min(i+1, 2); len(a.at) != want {
				t.Errorf("%s: %d requests, want %d", name, len(a.at), want)
			}
		}
		requests := len(a.at)
		var stuck *delivery.HaltedError
		if _, err := s.Ask(t.Context(), "", question); !errors.As(err, &stuck) || len(a.at) != requests {
			t.Errorf("while it is held: %v", err)
		}
		time.AfterFunc(30*time.Second, func() { s.Open(0) })
		if _, err := s.Ask(t.Context(), "", question); err != nil || len(a.at) <= requests {
			t.Errorf("after it was held: %v", err)
		}
	})
}

// All questions of a workspace share its ten requests a second.
func TestQuestionsShareTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &asked{}
		s := asking(t, a)
		for range 31 {
			if _, err := s.Ask(t.Context(), "", question); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(a.began); took < 3*time.Second {
			t.Errorf("31 requests in %s", took)
		}
	})
}

// A file is fetched without the key.
func TestDownloadGoesWithoutAKey(t *testing.T) {
	s := delivery.New(workspaces(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") != "" || r.URL.Host != "files.example.com" {
			t.Errorf("%s with %q", r.URL.Host, r.Header.Get("Authorization"))
		}
		return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("id\n1\n"))}, nil
	})), canarytest.Logger(t), canarytest.Registry(t))
	file, err := s.Download(t.Context(), "", "https://files.example.com/export.csv?signature=abc")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if text, err := io.ReadAll(file); err != nil || string(text) != "id\n1\n" {
		t.Errorf("%q, %v", text, err)
	}
}
