package delivery_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
)

func TestBatchIsWrittenAsItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, ok)
		outcomes := r.Send(context.Background(), makeCalls(3))
		if got, want := count(outcomes), (tally{delivered: 3}); got != want {
			t.Errorf("outcomes %+v, want %+v", got, want)
		}
		seen := r.to.requests()
		if len(seen) != 1 || seen[0].method != "POST" || seen[0].path != "/api/v2/batch" || len(seen[0].items) != 3 {
			t.Fatalf("the destination saw %+v", seen)
		}
		for i, item := range seen[0].items {
			if want := fmt.Sprintf(`{"n":%d,"to":%q}`, i, canary); item != want {
				t.Errorf("item %d is %s, want %s", i, item, want)
			}
		}
		if got := r.Send(context.Background(), nil); len(got) != 0 || len(r.to.requests()) != 1 {
			t.Error("sending nothing made a request")
		}
	})
}

func TestSingleCallsGoByThemselvesAndInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, ok)
		calls := makeCalls(4)
		calls[2].Single = &event.Request{Method: "POST", Path: "/api/v1/customers/a%2Fb%2E%2E/events", Destination: 1}
		if got, want := count(r.Send(context.Background(), calls)), (tally{delivered: 4}); got != want {
			t.Errorf("outcomes %+v, want %+v", got, want)
		}
		var paths []string
		for _, q := range r.to.requests() {
			paths = append(paths, fmt.Sprint(len(q.items), q.path))
		}
		want := "[2/api/v2/batch 1/api/v1/customers/a%2Fb%2E%2E/events 1/api/v2/batch]"
		if got := fmt.Sprint(paths); got != want {
			t.Errorf("requests %s, want %s", got, want)
		}
	})
}

func TestNothingFollowsAFailedRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(int, request, *http.Request) (*http.Response, error) { return reply(500, "") })
		calls := makeCalls(4)
		calls[2].Single = &event.Request{Method: "POST", Path: "/api/v1/events", Destination: 1}
		outcomes := r.Send(context.Background(), calls)
		if got, want := count(outcomes), (tally{tried: 2, untried: 2}); got != want {
			t.Errorf("outcomes %+v, want %+v", got, want)
		}
		if n := len(r.to.requests()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		if n := r.Requests(); n != 1 {
			t.Errorf("%d requests are counted, want 1", n)
		}
	})
}

// A refusal at a place that the batch does not have settles everything: what it names is refused, and the rest is
// taken and never sent again. Operators are told, by a metric each time and by the log once a minute.
func TestRefusalsOfNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(n int, q request, _ *http.Request) (*http.Response, error) {
			return reply(207, `{"errors":[{"batch_index":1,"reason":"invalid"},{"batch_index":4,"reason":"invalid"},{"batch_index":-1}]}`)
		})
		for range 3 {
			if got, want := count(r.Send(context.Background(), makeCalls(4))),
				(tally{delivered: 3, refused: 1}); got != want {
				t.Errorf("outcomes %+v, want %+v", got, want)
			}
			time.Sleep(25 * time.Second)
		}
		if got := count(r.Send(context.Background(), makeCalls(1))); got != (tally{delivered: 1}) {
			t.Errorf("a lone call: %+v", got)
		}
		if r.failed(207) != 4 || string(r.State().Condition) != "ok" {
			t.Errorf("%d answers, state %+v", r.failed(207), r.State())
		}
		if got := r.messages(); len(got) != 2 || !strings.HasPrefix(got[0], "warn: customer.io refuses calls that "+
			"the request did not have") {
			t.Errorf("log: %q", got)
		}
		if want := "ciobridge_unplaced_refusals_total 9"; !strings.Contains(r.exposition(), want) {
			t.Errorf("%s is missing in\n%s", want, r.exposition())
		}
	})
}

func TestRefusalsInsideABatch(t *testing.T) {
	listed := func(indices ...any) string {
		var errs []string
		for _, i := range indices {
			errs = append(errs, fmt.Sprintf(`{"batch_index":%v,"reason":"invalid","field":"attributes.plan","message":"%s: property value cannot be longer than 1000 bytes"}`, i, canary))
		}
		return `{"errors":[` + strings.Join(errs, ",") + `]}`
	}
	unknown := tally{tried: 4}
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   tally
	}{
		{"207", 207, listed(1), tally{delivered: 3, refused: 1}},
		{"200 with errors", 200, listed(0, 3), tally{delivered: 2, refused: 2}},
		{"one call listed twice", 207, listed(2, 2), tally{delivered: 3, refused: 1}},
		{"a string that contains JSON", 200, fmt.Sprintf("%q", listed(1)), tally{delivered: 3, refused: 1}},
		{"an index alone", 207, `{"errors":[{"batch_index":3}]}`, tally{delivered: 3, refused: 1}},
		{"207 without errors", 207, `{"errors":[]}`, tally{delivered: 4}},
		{"204", 204, "", tally{delivered: 4}},
		{"empty 200", 200, "", tally{delivered: 4}},
		{"empty 207", 207, "", unknown},
		{"index past the end", 207, listed(4), tally{delivered: 4}},
		{"negative index", 207, listed(1, -1), tally{delivered: 3, refused: 1}},
		{"index that is a text", 207, listed(`"1"`), tally{delivered: 3, refused: 1}},
		{"index that is a fraction", 207, listed(1.5), tally{delivered: 4}},
		{"index that is huge", 207, listed("99999999999999999999"), tally{delivered: 4}},
		{"no index", 207, refuse, unknown},
		{"no index beside one", 207, `{"errors":[{"batch_index":1,"reason":"invalid"},{"reason":"invalid"}]}`, unknown},
		{"a null index beside one", 207, listed(1, "null"), unknown},
		{"meta.error", 200, `{"meta":{"error":"no"}}`, unknown},
		{"a page", 200, "<html>" + canary, unknown},
		{"broken off", 200, listed(1)[:20], unknown},
		{"a list", 200, "[]", unknown},
		{"null", 200, "null", unknown},
		{"too long", 200, `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(int, request, *http.Request) (*http.Response,
					error) {
					return reply(c.status, c.body)
				})
				outcomes := r.Send(context.Background(), makeCalls(4))
				if got := count(outcomes); got != c.want {
					t.Fatalf("outcomes %+v, want %+v", got, c.want)
				}
				for i, o := range outcomes {
					if o.Result == event.Open && !o.Suspect {
						t.Errorf("call %d is open and no suspect, but one of the calls may be the cause", i)
					}
					if o.Result == event.Refused && o.Failure.Detail == "" || o.Failure != nil &&
						strings.Contains(fmt.Sprint(*o.Failure), "canary") {
						t.Errorf("call %d: failure %+v", i, *o.Failure)
					}
				}
			})
		})
	}
}

func TestALoneCallRefusedWithA2xx(t *testing.T) {
	for _, body := range []string{`{"meta":{"error":"no"}}`, `{"meta":{"errors":["no"]}}`, refuse,
		`{"errors":[{"batch_index":0,"reason":"required","field":"name"}]}`} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(int, request, *http.Request) (*http.Response, error) { return reply(200, body) })
			if o := r.Send(context.Background(), makeCalls(1))[0]; o.Result != event.Refused ||
				o.Failure.Reason != event.ReasonRefused {
				t.Errorf("%s: outcome %+v", body, o)
			}
		})
	}
}

func TestMetricsOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			time.Sleep(250 * time.Millisecond)
			switch n {
			case 0:
				return reply(200, "{}")
			case 1:
				return reply(429, "")
			}
			return nil, errNetwork
		})
		for range 3 {
			r.Send(context.Background(), makeCalls(5))
		}
		want := `
# HELP ciobridge_destination_state 1 for the condition in which an endpoint of a workspace is, as far as the last requests tell: ok, backing_off or halted.
# TYPE ciobridge_destination_state gauge
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="connection_lost",workspace=""} 1
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="connection_refused",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="name_not_found",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="no_route",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="rate_limited",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="server_error",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="timeout",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="tls",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="unavailable",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="backing_off",trouble="unexpected_answer",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="halted",trouble="account",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="halted",trouble="credentials",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="halted",trouble="path",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="halted",trouble="proxy",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="halted",trouble="region",workspace=""} 0
ciobridge_destination_state{endpoint="batch",state="ok",trouble="",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="connection_lost",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="connection_refused",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="name_not_found",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="no_route",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="rate_limited",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="server_error",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="timeout",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="tls",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="unavailable",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="backing_off",trouble="unexpected_answer",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="halted",trouble="account",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="halted",trouble="credentials",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="halted",trouble="path",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="halted",trouble="proxy",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="halted",trouble="region",workspace=""} 0
ciobridge_destination_state{endpoint="single",state="ok",trouble="",workspace=""} 1
# HELP ciobridge_request_rate_limit Requests a second that this replica allows itself now; endpoints of one budget share it.
# TYPE ciobridge_request_rate_limit gauge
ciobridge_request_rate_limit{endpoint="batch",workspace=""} 50
ciobridge_request_rate_limit{endpoint="single",workspace=""} 50
`
		if err := testutil.GatherAndCompare(r.registry, strings.NewReader(want), "ciobridge_destination_state",
			"ciobridge_request_rate_limit"); err != nil {
			t.Error(err)
		}
		if problems, err := testutil.GatherAndLint(r.registry); err != nil || len(problems) > 0 {
			t.Errorf("%v %v", problems, err)
		}
		for _, line := range []string{
			`ciobridge_requests_total{class="2xx",endpoint="batch",workspace=""} 1`,
			`ciobridge_requests_total{class="429",endpoint="batch",workspace=""} 1`,
			`ciobridge_requests_total{class="4xx",endpoint="batch",workspace=""} 0`,
			`ciobridge_requests_total{class="none",endpoint="batch",workspace=""} 1`,
			`ciobridge_request_failures_total{trouble="rate_limited"} 1`,
			`ciobridge_request_failures_total{trouble="connection_lost"} 1`,
			`ciobridge_request_duration_seconds_sum{endpoint="batch",workspace=""} 0.75`,
			`ciobridge_batch_calls_sum 15`,
		} {
			if text := r.exposition(); !strings.Contains(text, line+"\n") {
				t.Errorf("no line %s in\n%s", line, text)
			}
		}
	})
}

func TestHangs(t *testing.T) {
	body := func(req *http.Request) *http.Response {
		resp, _ := reply(200, "")
		resp.Body = hanging{req}
		return resp
	}
	for _, c := range []struct {
		name   string
		answer func(int, request, *http.Request) (*http.Response, error)
		detail string
	}{
		{"before the headers", func(_ int, _ request, req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}, "no answer in time"},
		{"in the body", func(_ int, _ request, req *http.Request) (*http.Response, error) { return body(req), nil },
			"answer 200 broke off: no answer in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.answer)
				start := time.Now()
				for i, o := range r.Send(t.Context(), makeCalls(2)) {
					if o.Result != event.Open || !o.Suspect || o.Failure == nil || o.Failure.Detail != c.detail {
						t.Errorf("call %d: %+v %+v", i, o, o.Failure)
					}
				}
				if took := time.Since(start); took != 10*time.Second {
					t.Errorf("gave up after %s, want 10s", took)
				}
				if s := r.State(); s.Cause != customerio.CauseTimeout {
					t.Errorf("state %+v", s)
				}
			})
		})
	}
}

type hanging struct{ req *http.Request }

func (h hanging) Read([]byte) (int, error) {
	<-h.req.Context().Done()
	return 0, h.req.Context().Err()
}
func (h hanging) Close() error { return nil }
