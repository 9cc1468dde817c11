package read_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/read"
)

// permanent reports whether an error says that another attempt would not help.
func permanent(err error) bool {
	var p *backoff.PermanentError
	return errors.As(err, &p)
}

// scripted runs a report against a text of answers, in virtual time.
func scripted(t *testing.T, answers string, c report.Config, q report.Request, then func(*script, told, error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(txtar.Parse([]byte(answers)).Files)
		api, _ := newAPI(t, s, nil)
		q.At = at
		all, err := run(t.Context(), t, api, c, q)
		then(s, all, err)
	})
}

// All segments that are not there, or are there twice, are told at once, and nothing else is asked before.
func TestSegmentsThatCannotBeTold(t *testing.T) {
	const answers = `
-- GET /v1/segments --
{"segments":[{"id":1,"name":"VIP"},{"id":2,"name":"Twice"},{"id":3,"name":"Twice"},{"id":4,"name":"2"}]}
`
	for _, kind := range []string{"customers", "customers_export", "segments"} {
		c := report.Config{Type: kind, Params: report.Params{Segments: []string{"VPI", "Twice", "9", "VIP", "2"}}}
		scripted(t, answers, c, report.Request{}, func(s *script, _ told, err error) {
			var wrong *read.SegmentError
			const want = `there is no segment "VPI"`
			if !errors.As(err, &wrong) || !permanent(err) || len(wrong.Unknown) != 2 || len(s.asked) != 1 ||
				!strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), `there is no segment "9"`) ||
				!strings.Contains(err.Error(), `"Twice" is the name of 2 segments: give one of their ids, 2 or 3`) {
				t.Errorf("%s: %v after %q", kind, err, s.asked)
			}
		})
	}
}

// A list whose token comes a second time ends with an error, and not never.
func TestATokenThatRepeats(t *testing.T) {
	const answers = `
-- GET /v1/newsletters?limit=100 --
{"newsletters":[{"id":1}],"next":"a"}
-- GET /v1/newsletters?limit=100&start=a --
{"newsletters":[{"id":2}],"next":"b"}
-- GET /v1/newsletters?limit=100&start=b --
{"newsletters":null,"next":"a"}
`
	scripted(t, answers, report.Config{Type: "newsletters"}, report.Request{}, func(s *script, _ told, err error) {
		if !errors.Is(err, read.ErrRepeats) || permanent(err) || len(s.asked) != 3 {
			t.Errorf("%v after %q", err, s.asked)
		}
	})
}

// Activities are read whichever end comes first: no document says it.
func TestActivitiesFromTheOldest(t *testing.T) {
	const path = "GET /v1/activities?limit=100&type=event"
	answers := "-- " + path + " --\n" +
		`{"activities":[{"id":"1","timestamp":1782700000},{"id":"2","timestamp":1782700001}],"next":"a"}` +
		"\n-- " + path + "&start=a --\n" +
		`{"activities":[{"id":"3","timestamp":1782950000},{"id":"4","timestamp":1782960000}],"next":0}` + "\n"
	c := report.Config{Type: "activities", Params: report.Params{Activities: []string{"event"}}}
	scripted(t, answers, c, report.Request{}, func(s *script, all told, err error) {
		if err != nil || all.rows != 2 || len(s.asked) != 2 {
			t.Errorf("%q, %v after %q", all.lines, err, s.asked)
		}
	})
}

// While App asks for minutes to be left alone, a report waits, and then tells all.
func TestAReportWaitsForApp(t *testing.T) {
	const answers = `
-- GET /v1/segments --
status 429 Retry-After=240
{"errors":[{"detail":"slow down","status":"429"}]}
-- GET /v1/segments --
{"segments":[{"id":1,"name":"VIP"}]}
-- GET /v1/segments/1/customer_count --
status 429 Retry-After=120
{}
-- GET /v1/segments/1/customer_count --
{"count":2}
`
	scripted(t, answers, report.Config{Type: "segments"}, report.Request{}, func(s *script, all told, err error) {
		began := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		if took := time.Since(began); err != nil || all.rows != 1 || len(s.asked) != 4 || took < 6*time.Minute ||
			took > 7*time.Minute {
			t.Errorf("%v, %q after %q in %s", err, all.lines, s.asked, took)
		}
	})
}

// A key that is revoked in the middle of a report halts it, and it goes on where it was with a new key.
func TestAReportWaitsForANewKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(txtar.Parse([]byte(`
-- GET /v1/segments --
{"segments":[{"id":1},{"id":2}]}
-- GET /v1/segments/1/customer_count --
{"count":1}
-- GET /v1/segments/2/customer_count --
{"count":2}
`)).Files)
		key := "Bearer app"
		refused := 0
		s.hook = func(_ string, r *http.Request) *http.Response {
			if r.Header.Get("Authorization") == key {
				return nil
			}
			refused++
			return answer("status 401\n" + `{"errors":[{"detail":"unauthorized","status":"401"}]}`)
		}
		api, c := newAPI(t, s, nil)
		time.AfterFunc(50*time.Millisecond, func() {
			s.mu.Lock()
			key = "Bearer other"
			s.mu.Unlock()
		})
		time.AfterFunc(40*time.Second, func() {
			if err := os.WriteFile(c.AppKeyFile, []byte("other"), 0o600); err != nil {
				t.Error(err)
			}
		})
		began := time.Now()
		all, err := run(t.Context(), t, api, report.Config{Type: "segments"}, report.Request{At: at})
		if took := time.Since(began); err != nil || all.rows != 2 || refused == 0 || took < 40*time.Second ||
			took > 45*time.Second {
			t.Errorf("%v, %d rows after %s and %d refusals", err, all.rows, took, refused)
		}
	})
}

// What Customer.io refuses of one object does not keep the others from being told; what the key may not ask for ends
// the report.
func TestWhatIsRefused(t *testing.T) {
	const list = `
-- GET /v1/broadcasts --
{"broadcasts":[{"id":1},{"id":2}]}
-- GET /v1/broadcasts/2/metrics?period=days --
{"metric":{"series":{"sent":[1]}}}
-- GET /v1/broadcasts/1/metrics?period=days --
`
	c := report.Config{Type: "broadcasts"}
	scripted(t, list+"status 400\n{}\n", c, report.Request{}, func(_ *script, all told, err error) {
		var refused *read.RefusedError
		if !errors.As(err, &refused) || !permanent(err) || all.rows != 1 {
			t.Errorf("%d rows, %v", all.rows, err)
		}
	})
	scripted(t, list+"status 500\n{}\n", c, report.Request{}, func(s *script, all told, err error) {
		var unanswered *read.UnansweredError
		if !errors.As(err, &unanswered) || permanent(err) || all.rows != 1 || len(s.asked) != 7 {
			t.Errorf("%d rows, %v after %q", all.rows, err, s.asked)
		}
	})
	scripted(t, list+"status 403\n{}\n", c, report.Request{}, func(_ *script, all told, err error) {
		if err == nil || !strings.Contains(err.Error(), "the App key may not ask for this") || all.rows != 0 {
			t.Errorf("%d rows, %v", all.rows, err)
		}
	})
	scripted(t, list+`{"metric":{"series":{"sent":[1,2],"opened":[1]}}}`, c, report.Request{},
		func(_ *script, all told, err error) {
			if err == nil || permanent(err) || all.rows != 0 {
				t.Errorf("series of two lengths: %d rows, %v", all.rows, err)
			}
		})
}

// A time that is asked for by hand chooses among the buckets that there are. One before them is refused with words, as
// is any of a report that tells what is true now.
func TestATimeByHand(t *testing.T) {
	const answers = `
-- GET /v1/broadcasts --
{"broadcasts":[{"id":1}]}
-- GET /v1/broadcasts/1/metrics?period=days&steps=45 --
{"metric":{"series":{"sent":[1,2,3]}},"start":"2026-06-29 05:00:00 +0000 UTC"}
`
	since := report.Request{Window: report.Window{Start: time.Date(2026, 6, 30, 5, 0, 0, 0, time.UTC),
		End: time.Date(2026, 7, 1, 5, 0, 0, 0, time.UTC)}}
	c := report.Config{Type: "broadcasts"}
	scripted(t, answers, c, since, func(_ *script, all told, err error) {
		if err != nil || all.rows != 1 || !strings.Contains(all.lines[0], `2026-06-30T05:00:00Z`) {
			t.Errorf("%q, %v", all.lines, err)
		}
	})
	since.Window.Start = since.Window.Start.AddDate(0, 0, -2)
	scripted(t, answers, c, since, func(_ *script, all told, err error) {
		if err == nil || !permanent(err) || !strings.Contains(err.Error(), "goes back to 2026-06-29T05:00:00Z") {
			t.Errorf("%q, %v", all.lines, err)
		}
	})
	since.Window.Start = since.Window.Start.AddDate(-2, 0, 0)
	c = report.Config{Type: "deliveries_export", Params: report.Params{Of: map[string]string{"action": "1"}}}
	scripted(t, "", c, since, func(s *script, _ told, err error) {
		if err == nil || !permanent(err) || !strings.Contains(err.Error(), "goes back to 2025-07-02T06:00:00Z") ||
			len(s.asked) > 0 {
			t.Errorf("%v after %q", err, s.asked)
		}
	})
	scripted(t, "", report.Config{Type: "segments"}, since, func(s *script, _ told, err error) {
		if err == nil || !permanent(err) || len(s.asked) > 0 || read.Timed("segments") || !read.Timed("broadcasts") {
			t.Errorf("%v after %q", err, s.asked)
		}
	})
}

// Numbers that are asked for while a bucket ends are asked for again: nobody knows on which side the answer is.
func TestABucketThatEndsMeanwhile(t *testing.T) {
	const answers = `
-- GET /v1/broadcasts --
{"broadcasts":[{"id":1}]}
-- GET /v1/broadcasts/1/metrics?period=hours --
{"metric":{"series":{"sent":[1,2]}}}
-- GET /v1/broadcasts/1/metrics?period=hours --
{"metric":{"series":{"sent":[2,0]}}}
`
	synctest.Test(t, func(t *testing.T) {
		s := newScript(txtar.Parse([]byte(answers)).Files)
		s.hook = func(question string, _ *http.Request) *http.Response {
			if strings.Contains(question, "metrics") {
				time.Sleep(2 * time.Second)
			}
			return nil
		}
		api, _ := newAPI(t, s, nil)
		time.Sleep(time.Hour - time.Second)
		all, err := run(t.Context(), t, api, report.Config{Type: "broadcasts",
			Params: report.Params{Period: "hours"}}, report.Request{At: at})
		if err != nil || all.rows != 2 || len(s.asked) != 3 ||
			!strings.HasPrefix(all.lines[1], "broadcast/1 2000-01-01T01:00:00Z 2000-01-01T02:00:00Z") {
			t.Errorf("%q, %v after %q", all.lines, err, s.asked)
		}
	})
}

// People are looked up by a hundred at most, and by fewer where they are so large that an answer would be.
func TestLookUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript(nil)
		var sizes []int
		s.hook = func(question string, _ *http.Request) *http.Response {
			method, ids, _ := strings.Cut(question, ` {"ids":`)
			var out []string
			if !strings.HasPrefix(method, "POST /v1/customers/attributes") {
				for i := range 250 {
					out = append(out, fmt.Sprintf(`{"id":"%d","cio_id":"a%d"}`, i, i))
				}
				return answer(`{"identifiers":[` + strings.Join(out, ",") + `]}`)
			}
			for _, id := range strings.Split(strings.Trim(ids, `[]}"`), `","`) {
				note := ""
				if id == "120" || id == "130" {
					note = strings.Repeat("x", 11<<20/10)
				}
				out = append(out, fmt.Sprintf(`{"id":%q,"attributes":{"note":%q}}`, id, note))
			}
			slices.Reverse(out) // the order is not promised
			sizes = append(sizes, len(out))
			return answer(`{"customers":[` + strings.Join(out, ",") + `]}`)
		}
		api, _ := newAPI(t, s, nil)
		all, err := run(t.Context(), t, api, report.Config{Type: "customers",
			Params: report.Params{Filter: `{"segment":{"id":1}}`}}, report.Request{At: at})
		if err != nil || all.rows != 250 || slices.Max(sizes) != 100 || len(sizes) <= 3 {
			t.Errorf("%d rows, %v, look-ups of %v", all.rows, err, sizes)
		}
	})
}

const exporting = `
-- POST /v1/exports/customers {"filters":{"segment":{"id":1}}} --
{"export":{"id":1,"status":"pending"}}
-- POST /v1/exports/customers {"filters":{"segment":{"id":1}}} --
{"export":{"id":2,"status":"pending"}}
-- POST /v1/exports/customers {"filters":{"segment":{"id":1}}} --
{"export":{"id":3,"status":"pending"}}
`

var everybody = report.Config{Type: "customers_export", Params: report.Params{Filter: `{"segment":{"id":1}}`}}

const fileOf2 = `
-- GET /v1/exports/2 --
{"export":{"id":2,"status":"done"}}
-- GET /v1/exports/2/download --
{"url":"https://files.example.com/2"}
-- GET https://files.example.com/2 --
id
1
2
`

// An export that fails, or that is not there any more, is begun again, some times.
func TestAnExportThatFails(t *testing.T) {
	for _, first := range []string{
		"\n-- GET /v1/exports/1 --\n{\"export\":{\"id\":1,\"status\":\"failed\",\"failed\":true}}\n",
		"\n-- GET /v1/exports/1 --\nstatus 404\n{}\n",
		"\n-- GET /v1/exports/1 --\n{\"export\":{\"status\":\"done\"}}\n" +
			"-- GET /v1/exports/1/download --\nstatus 404\n{}\n",
	} {
		scripted(t, exporting+first+fileOf2, everybody, report.Request{}, func(_ *script, all told, err error) {
			if err != nil || all.rows != 2 || !strings.HasPrefix(all.saved, "2 ") {
				t.Errorf("%q, %v, saved %q", all.lines, err, all.saved)
			}
		})
	}
	failed := "\n-- GET /v1/exports/%d --\n{\"export\":{\"status\":\"failed\"}}"
	all := fmt.Sprintf(failed+failed+failed, 1, 2, 3)
	scripted(t, exporting+all, everybody, report.Request{}, func(_ *script, all told, err error) {
		if err == nil || permanent(err) || all.rows != 0 || all.saved != "" {
			t.Errorf("%v, saved %q", err, all.saved)
		}
	})
}

// An attempt goes on with the export that the one before has begun, unless that was for another order.
func TestAnExportGoesOn(t *testing.T) {
	begun := exporting + "\n-- GET /v1/exports/1 --\n{\"export\":{\"status\":\"done\"}}" +
		"\n-- GET /v1/exports/1/download --\n{\"url\":\"https://files.example.com/1\"}"
	synctest.Test(t, func(t *testing.T) {
		s := newScript(txtar.Parse([]byte(begun)).Files)
		broken := true
		s.hook = func(question string, _ *http.Request) *http.Response {
			if question != "GET https://files.example.com/1" {
				return nil
			}
			resp := answer("id\n1\n2\n")
			if broken {
				resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("id\n1\n"),
					iotest.ErrReader(io.ErrUnexpectedEOF)))
			}
			return resp
		}
		api, _ := newAPI(t, s, nil)
		first, err := run(t.Context(), t, api, everybody, report.Request{At: at})
		if !errors.Is(err, io.ErrUnexpectedEOF) || permanent(err) || first.rows != 1 || first.saved == "" {
			t.Fatalf("%q, %v, saved %q", first.lines, err, first.saved)
		}
		broken = false
		second, err := run(t.Context(), t, api, everybody, report.Request{At: at, Saved: first.saved})
		if err != nil || second.rows != 2 || second.saved != first.saved {
			t.Errorf("%q, %v, saved %q", second.lines, err, second.saved)
		}
		begins := func() (n int) {
			for _, q := range s.asked {
				if strings.HasPrefix(q, "POST") {
					n++
				}
			}
			return n
		}
		if begins() != 1 {
			t.Errorf("asked %q", s.asked)
		}
		_, _ = run(t.Context(), t, api, everybody, report.Request{At: at, Saved: "1 0000000000000000"})
		if begins() < 2 {
			t.Errorf("asked %q", s.asked)
		}
	})
}

// An export that takes long is asked for less and less often, and one that is never done is begun again.
func TestAnExportThatTakesLong(t *testing.T) {
	pending := "\n-- GET /v1/exports/1 --\n{\"export\":{\"id\":1,\"status\":\"pending\"}}\n"
	scripted(t, exporting+pending+fileOf2, everybody, report.Request{}, func(s *script, all told, err error) {
		polls := 0
		for _, q := range s.asked {
			if q == "GET /v1/exports/1" {
				polls++
			}
		}
		if err != nil || all.rows != 2 || polls < 300 || polls > 1500 {
			t.Errorf("%q, %v after %d polls", all.lines, err, polls)
		}
	})
}

// A link that has expired is replaced by a fresh one, and a file may be compressed. One that cannot be read on the way
// is refused with words.
func TestLinksAndFiles(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, "id\n1\n2\n")
	_ = z.Close()
	cut := packed.Bytes()[:packed.Len()-6]
	const done = exporting + "\n-- GET /v1/exports/1 --\n{\"export\":{\"status\":\"done\"}}\n" +
		"-- GET /v1/exports/1/download --\n{\"url\":\"https://files.example.com/old\"}\n" +
		"-- GET /v1/exports/1/download --\n{\"url\":\"https://files.example.com/1\"}\n" +
		"-- GET https://files.example.com/old --\nstatus 403\n<Error>expired</Error>\n" +
		"-- GET https://files.example.com/1 --\n"
	for _, c := range []struct {
		is, file  string
		rows      int
		text      string
		permanent bool
	}{
		{"compressed", packed.String(), 2, "", false},
		{"empty", "", 0, "", false},
		{"only columns", "id\n", 0, "", false},
		{"with a mark of its encoding", "\xef\xbb\xbfid\n7\n", 1, "", false},
		{"compressed and cut", string(cut), 2, "unexpected EOF", false},
		{"a zip archive", "PK\x03\x04....", 0, "zip archive", true},
		{"no columns", "\"id\nx\"y\n", 0, "read the columns", true},
		{"expired for ever", "status 403\n", 0, "answer 403", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScript(txtar.Parse([]byte(done)).Files)
			s.hook = func(question string, _ *http.Request) *http.Response {
				if question == "GET https://files.example.com/1" {
					return answer(c.file)
				}
				return nil
			}
			api, _ := newAPI(t, s, nil)
			all, err := run(t.Context(), t, api, everybody, report.Request{At: at})
			ok := err == nil && c.text == "" ||
				err != nil && c.text != "" && strings.Contains(err.Error(), c.text) && permanent(err) == c.permanent
			if !ok || all.rows != c.rows || !slices.Contains(s.asked, "GET https://files.example.com/old") {
				t.Errorf("%s: %q, %v", c.is, all.lines, err)
			}
			if c.rows == 1 && !strings.HasPrefix(all.lines[0], "person/7 ") {
				t.Errorf("%s: %q", c.is, all.lines)
			}
		})
	}
	plain := strings.ReplaceAll(done, "https://files.example.com/old", "http://files.example.com/old")
	scripted(t, plain, everybody, report.Request{}, func(s *script, _ told, err error) {
		if err == nil || !permanent(err) || !strings.Contains(err.Error(), "not https") || len(s.asked) != 3 {
			t.Errorf("a link over plain http: %v after %q", err, s.asked)
		}
	})
}
