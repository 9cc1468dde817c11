package emulator

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// virtual makes a server that is asked in virtual time, which begins on Saturday, 1 January 2000 at 00:00 UTC.
func virtual(t *testing.T, o Options) *client {
	o.NoRateLimits = true
	s := New(o)
	return &client{t, s, "https://api.customer.io", s.Transport()}
}

// series asks for metrics.
func (c *client) series(path string) (all map[string][]int, start, end string) {
	c.t.Helper()
	var answer struct {
		Metric struct {
			Series map[string][]int
		}
		Start, End string
	}
	r := c.app("GET", path, "")
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil || r.status != 200 {
		c.t.Fatalf("%s: %d %s (%v)", path, r.status, r.body, err)
	}
	return answer.Metric.Series, answer.Start, answer.End
}

func (c *client) control(method, path, body string, status int) string {
	c.t.Helper()
	r := c.do(method, controlPrefix+path, body)
	if r.status != status {
		c.t.Errorf("%s %s %s: %d %s", method, path, body, r.status, r.body)
	}
	return strings.TrimSpace(r.body)
}

// What becomes of messages is counted where they were sent, so that the numbers of days that are over go on changing.
// It is the same in each emulator, and at whatever pace people react.
func TestNumbersChangeAfterTheirDayIsOver(t *testing.T) {
	var finals []string
	for _, within := range []string{"72h", "60h"} {
		synctest.Test(t, func(t *testing.T) {
			c := virtual(t, Options{})
			var to []string
			for n := range 200 {
				to = append(to, fmt.Sprintf("email:%d@example.com", n))
			}
			if n, err := c.s.Send(Sending{Source: "campaign:7", To: to}); n != 200 || err != nil {
				t.Fatal(n, err)
			}
			const path = "/v1/campaigns/7/metrics?period=days&steps=5"
			time.Sleep(24 * time.Hour)
			if all, _, _ := c.series(path); fmt.Sprint(all["sent"], all["delivered"]) != "[0 0 0 200 0] [0 0 0 0 0]" {
				t.Errorf("nobody was to react: %v", all)
			}
			c.control("PUT", "reactions", `{"within":"`+within+`"}`, 200)
			first, _, _ := c.series(path)
			time.Sleep(48 * time.Hour)
			last, _, _ := c.series(path)
			if a, b := first["opened"][3], last["opened"][1]; a == 0 || b <= a {
				t.Errorf("opened %d after a day, and then %d", a, b)
			}
			for _, x := range []struct {
				most int
				of   []string
			}{
				{200, []string{"delivered", "bounced"}}, {last["delivered"][1], []string{"opened"}},
				{last["opened"][1], []string{"human_opened"}}, {last["opened"][1], []string{"prefetch_opened"}},
				{last["delivered"][1], []string{"clicked"}}, {last["clicked"][1], []string{"converted"}},
			} {
				sum := 0
				for _, metric := range x.of {
					sum += last[metric][1]
				}
				if sum == 0 || sum > x.most || x.most == 200 && sum != 200 {
					t.Errorf("%v: %d of %d", x.of, sum, x.most)
				}
			}
			links := c.app("GET", "/v1/campaigns/7/metrics/links?period=days&steps=5", "").body
			if !regexp.MustCompile(`"machine_clicked":\[0,[1-9]`).MatchString(links) {
				t.Error(links)
			}
			journey := c.app("GET",
				"/v1/campaigns/7/journey_metrics?resolution=days&start=946598400&end=946771200", "").body
			if !strings.Contains(journey, `"messaged":[0,200]`) || !strings.Contains(journey, `"started":[0,200]`) {
				t.Error(journey)
			}
			finals = append(finals, fmt.Sprint(last)+links)
			before := len(c.s.Receipts(0))
			c.control("PUT", "reactions", `{"within":"0s"}`, 200)
			if c.control("GET", "reactions", "", 200) != `{"within":"0s"}` || len(c.s.Receipts(0)) != before {
				t.Error("reactions go on, or are receipts")
			}
		})
	}
	if finals[0] != finals[1] {
		t.Errorf("people react in different ways:\n%s\n%s", finals[0], finals[1])
	}
}

// The days of the first version begin at 00:00 EST, weeks on Sunday, months on the first. The second version has a time
// zone of its own.
func TestWindowsOfMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 18, 3, 30, 0, 0, time.UTC))) // the evening of the 17th in EST
		c := virtual(t, Options{})
		for _, at := range []string{"2026-03-17T04:59:59Z", "2026-03-17T05:00:00Z", "2026-03-15T04:59:59Z",
			"2026-03-15T05:00:00Z", "2026-03-01T04:59:59Z", "2026-03-01T05:00:00Z"} {
			when, err := time.Parse(time.RFC3339, at)
			if err != nil {
				t.Fatal(err)
			}
			o := Sending{Source: "campaign:7/2", Channel: "sms", To: []string{"id:1"}, At: when.Unix()}
			if _, err := c.s.Send(o); err != nil {
				t.Fatal(err)
			}
		}
		all := c.s.Deliveries()
		if len(all) != 6 {
			t.Fatal(all)
		}
		for query, want := range map[string]string{
			"period=days&steps=1":   "[1 1] 2026-03-16 00:00:00 -0500 EST 2026-03-18 00:00:00 -0500 EST",
			"period=days&steps=3":   "[1 1 1] 2026-03-15 00:00:00 -0500 EST 2026-03-18 00:00:00 -0500 EST",
			"steps=2":               "[1 1] 2026-03-16 00:00:00 -0500 EST 2026-03-18 00:00:00 -0500 EST",
			"period=weeks&steps=3":  "[1 1 3] 2026-03-01 00:00:00 -0500 EST 2026-03-22 00:00:00 -0500 EST",
			"period=months&steps=2": "[1 5] 2026-02-01 00:00:00 -0500 EST 2026-04-01 00:00:00 -0500 EST",
			"period=hours&steps=2":  "[0 0] 2026-03-17 21:00:00 -0500 EST 2026-03-17 23:00:00 -0500 EST",
			"version=2&res=daily&start=1773619200&end=1773705600":// the 16th in UTC
			"[0] 2026-03-16 00:00:00 +0000 UTC 2026-03-17 00:00:00 +0000 UTC",
			"version=2&res=days&start=1773705600&end=1773792000":// the 17th
			"[2] 2026-03-17 00:00:00 +0000 UTC 2026-03-18 00:00:00 +0000 UTC",
			"version=2&res=months&tz=Europe/Vienna&start=1769900400&end=1774994400":// over the change of the clock
			"[0 6] 2026-02-01 00:00:00 +0100 CET 2026-04-01 00:00:00 +0200 CEST",
			"version=2&res=weekly&start=1773532800&end=1774137600":// from the 15th, a Sunday
			"[4] 2026-03-15 00:00:00 +0000 UTC 2026-03-22 00:00:00 +0000 UTC",
		} {
			for _, thing := range []string{"campaigns/7", "campaigns/7/actions/2"} {
				all, start, end := c.series("/v1/" + thing + "/metrics?" + query)
				if got := fmt.Sprint(all["sent"], " ", start, " ", end); got != want {
					t.Errorf("%s: %s, want %s", query, got, want)
				}
			}
		}
		for period, steps := range map[string][2]int{
			"hours": {24, 24}, "days": {45, 45}, "weeks": {12, 12}, "months": {121, 12},
		} {
			path := "/v1/broadcasts/1/metrics?period=" + period
			for _, x := range []struct {
				query string
				want  int
			}{{"", steps[1]}, {"&steps=0", steps[0]}, {fmt.Sprint("&steps=", steps[0]), steps[0]}} {
				if all, _, _ := c.series(path + x.query); len(all["sent"]) != x.want {
					t.Errorf("%s%s: %d steps, want %d", period, x.query, len(all["sent"]), x.want)
				}
			}
			if r := c.app("GET", fmt.Sprint(path, "&steps=", steps[0]+1), ""); r.status != 400 {
				t.Errorf("%s: too many steps are answered %d", period, r.status)
			}
		}
		for _, query := range []string{
			"campaigns/7/metrics?type=letter", "broadcasts/1/metrics?version=2&res=days&start=1&end=2",
			"campaigns/7/metrics?version=2&res=days&start=1&end=2&tz=Nowhere",
			"campaigns/7/metrics?version=2&res=days&start=1&end=2&type=urban_airship"} {
			if r := c.app("GET", "/v1/"+query, ""); r.status != 400 {
				t.Errorf("%s: %d %s", query, r.status, r.body)
			}
		}
	})
}

// Every series that the reference names is there, and those of webhooks and broadcasts where they belong.
func TestSeriesOfMetrics(t *testing.T) {
	c := start(t, Options{NoRateLimits: true, ReactWithin: time.Nanosecond})
	c.control("POST", "deliveries",
		`{"source":"newsletter:3","channel":"webhook","to":["id:1","id:2","id:3","id:4"]}`, 200)
	for path, also := range map[string]string{
		"campaigns/1/metrics": "", "broadcasts/1/metrics": "prefetch_clicked",
		"newsletters/3/metrics?type=webhook": "2xx 3xx 4xx 5xx",
		"newsletters/3/contents/1/metrics":   "", "transactional/1/metrics": "", "campaigns/1/actions/1/metrics": "",
	} {
		all, _, _ := c.series("/v1/" + path)
		want := strings.Fields("attempted bounced clicked converted created deferred delivered drafted failed " +
			"human_clicked human_opened link_untracked machine_clicked open_untracked opened prefetch_opened replied " +
			"sent spammed suppressed topic_unsubscribed tracking_consent_denied tracking_consent_granted " +
			"undeliverable unsubscribed untracked " + also)
		var got []string
		for name, values := range all {
			got = append(got, name)
			if len(values) != 45 {
				t.Errorf("%s: %s has %d steps", path, name, len(values))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v\nwant %v", path, got, want)
		}
		if also == "2xx 3xx 4xx 5xx" && all["2xx"][44]+all["5xx"][44] != 4 {
			t.Errorf("webhooks were answered %v %v", all["2xx"], all["5xx"])
		}
	}
}

// An export is pending for a while, and may fail. Its link expires.
func TestExportsTakeTimeFailAndExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, Options{Exports: Exports{Takes: time.Minute}})
		c.s.Send(Sending{Source: "campaign:7", To: []string{"id:1", "id:2"}})
		c.control("PUT", "exports", `{"takes":"1m","fail":1}`, 200)
		for _, x := range []struct{ id, status, failed, total string }{
			{"1", "failed", "true", "0"}, {"2", "done", "false", "2"},
		} {
			shows := func(r reply2, status, failed, total string) {
				t.Helper()
				for _, part := range []string{`"status":"` + status, `"failed":` + failed, `"total":` + total + ","} {
					if !strings.Contains(r.body, part) || strings.Contains(r.body, "ready") {
						t.Errorf("export %s lacks %s: %s", x.id, part, r.body)
					}
				}
			}
			shows(c.app("POST", "/v1/exports/deliveries", `{"campaign_id":7}`), "pending", "false", "0")
			time.Sleep(59 * time.Second)
			shows(c.app("GET", "/v1/exports/"+x.id, ""), "pending", "false", "0")
			if r := c.app("GET", "/v1/exports/"+x.id+"/download", ""); r.status != 404 {
				t.Error(r)
			}
			time.Sleep(time.Second)
			shows(c.app("GET", "/v1/exports/"+x.id, ""), x.status, x.failed, x.total)
		}
		if r := c.app("GET", "/v1/exports/1/download", ""); r.status != 404 {
			t.Errorf("an export that failed can be fetched: %v", r)
		}
		for _, link := range []time.Duration{15 * time.Minute, time.Hour} {
			var answer struct{ URL string }
			if err := json.Unmarshal([]byte(c.app("GET", "/v1/exports/2/download", "").body), &answer); err != nil {
				t.Fatal(err)
			}
			path := strings.TrimPrefix(answer.URL, "https://api.customer.io")
			time.Sleep(link - time.Second)
			if r := c.do("GET", path, ""); r.status != 200 || strings.Count(r.body, "\n") != 3 ||
				r.header.Get("Content-Type") != "text/csv; charset=utf-8" {
				t.Errorf("%s: %d %q", path, r.status, r.body)
			}
			time.Sleep(time.Second)
			if r := c.do("GET", path, ""); r.status != 403 || c.last().Error != "the link has expired" {
				t.Errorf("%s: %d %q %+v", path, r.status, r.body, c.last())
			}
			c.control("PUT", "exports", `{"link":"1h"}`, 200)
		}
	})
}

// A file is as long as was asked for, is streamed, can hold lines that are no CSV, and can break off.
func TestFilesOfExports(t *testing.T) {
	c := start(t, Options{NoRateLimits: true})
	c.control("PUT", "exports", `{"rows":1000,"malformed":[3,1000]}`, 200)
	c.app("POST", "/v1/exports/customers", `{"filters":{"segment":{"id":1}}}`)
	c.control("PUT", "exports", `{"bytes":30000000}`, 200)
	c.app("POST", "/v1/exports/deliveries", `{"newsletter_id":1}`)
	text := c.do("GET", "/_emulator/exports/1.csv", "").body
	read := csv.NewReader(strings.NewReader(text))
	rows, bad := 0, []int{}
	for {
		_, err := read.Read()
		if err == io.EOF {
			break
		}
		var wrong *csv.ParseError
		if errors.As(err, &wrong) {
			bad = append(bad, wrong.Line)
			continue
		}
		rows++
	}
	if rows != 999 || fmt.Sprint(bad) != "[3 1000]" {
		t.Errorf("%d rows, and %v are none", rows, bad)
	}
	res, err := http.Get(c.url + "/_emulator/exports/2.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	runtime.GC()
	var before, during runtime.MemStats
	runtime.ReadMemStats(&before)
	length, err := io.Copy(io.Discard, res.Body)
	runtime.ReadMemStats(&during)
	if length < 30_000_000 || length > 30_000_400 || err != nil || res.ContentLength != -1 {
		t.Errorf("%d bytes, %v, of %d", length, err, res.ContentLength)
	}
	if grown := int64(during.HeapSys) - int64(before.HeapSys); grown > 20<<20 {
		t.Errorf("%d bytes were held for a file of %d", grown, length)
	}
	c.s.AddFault(Fault{Path: "/_emulator/exports/", Break: 1_000_000, Times: 1})
	c.s.AddFault(Fault{Path: "/v1/exports/2", Break: 10, Times: 1})
	for _, x := range []struct {
		path string
		most int
	}{{"/_emulator/exports/2.csv", 1_000_000}, {"/v1/exports/2", 10}} {
		r, err := c.try("GET", x.path, "", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+DefaultAppKey)
		})
		if err == nil || r.status != 200 || len(r.body) == 0 || len(r.body) > x.most {
			t.Errorf("%s: %d, %d bytes, %v", x.path, r.status, len(r.body), err)
		}
	}
	if fired := c.s.FaultCounts(); fired["break"] != 1 || fired["break #2"] != 1 {
		t.Error(fired)
	}
	for _, body := range []string{
		`{"rows":1,"bytes":1}`, `{"takes":"-1s"}`, `{"takes":"x"}`, `{"row":1}`, `{"fail":-1}`,
	} {
		c.control("PUT", "exports", body, 400)
	}
	for _, body := range []string{`{}`, `{"source":"letter:1"}`, `{"source":"campaign:0"}`,
		`{"source":"campaign:1","to":["7"]}`, `{"source":"campaign:1","channel":"pigeon"}`,
		`{"source":"campaign:1","at":-1}`} {
		c.control("POST", "deliveries", body, 400)
	}
	for _, body := range []string{`{}`, `{"within":"-1s"}`, `{"within":1}`} {
		c.control("PUT", "reactions", body, 400)
	}
}

// Lists that hold nothing are null, where that is asked for.
func TestNullLists(t *testing.T) {
	c := start(t, Options{NoRateLimits: true, NullLists: true})
	c.wants("GET", "/v1/segments", "", 200, `{"segments":null}`)
	c.wants("POST", "/v1/customers", `{"filter":{"segment":{"id":4}}}`, 200,
		`{"identifiers":null,"ids":null,"next":""}`)
	c.wants("GET", "/v1/activities", "", 200, `{"activities":null,"next":""}`)
	c.wants("POST", "/v1/segments", `{"segment":{"name":"[]"}}`, 200,
		`{"segment":{"created_at":T,"deduplicate_id":"1:T","description":"","id":1,"name":"[]","progress":null,`+
			`"state":"finished","tags":null,"type":"manual","updated_at":T}}`)
	c.wants("DELETE", "/v1/segments/1", "", 204, "")
	c.wants("GET", "/v1/campaigns/7/metrics/links", "", 200, `{"links":null}`)
}
