package emulator

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func (c *client) fault(spec string) string {
	c.t.Helper()
	f, err := ParseFault(spec)
	if err != nil {
		c.t.Fatal(err)
	}
	name, err := c.s.AddFault(f)
	if err != nil {
		c.t.Fatal(err)
	}
	return name
}

func (c *client) fired(name string, want int) {
	c.t.Helper()
	if got := c.s.FaultCounts()[name]; got != want {
		c.t.Errorf("%q fired %d times, want %d; all: %v", name, got, want, c.s.FaultCounts())
	}
}

func TestFaultAnswers(t *testing.T) {
	for _, row := range []struct {
		spec         string
		name         string
		status       int
		body         string
		header, is   string
		taken, apply bool
	}{
		{"status=503", "503 Service Unavailable", 503, "{}\n", "Content-Type", "application/json; charset=utf-8",
			false, false},
		{"status=503,applied", "503 Service Unavailable after applying", 503, "{}\n", "", "", true, true},
		{"status=429,retry_after=30", "429 Too Many Requests", 429, "{}\n", "Retry-After", "30", false, false},
		{"name=odd,status=429,retry_after=-1", "odd", 429, "{}\n", "Retry-After", "-1", false, false},
		{"status=200,body=<html>portal</html>", "200 OK", 200, "<html>portal</html>", "Content-Type",
			"text/html; charset=utf-8", false, false},
		{"status=302,location=https://example.com/", "302 Found", 302, "{}\n", "Location", "https://example.com/",
			false, false},
		{`status=207,applied,body="{\"errors\":[{\"batch_index\":99}]}"`, "207 Multi-Status after applying", 207,
			`{"errors":[{"batch_index":99}]}`, "", "", true, true},
		{"latency=1ms", "latency", 200, "{}\n", "", "", true, true},
		{"latency=1ms,applied", "latency after applying", 200, "{}\n", "", "", true, true},
	} {
		c := start(t, Options{})
		if got := c.fault(row.spec); got != row.name {
			t.Errorf("%s is named %q", row.spec, got)
		}
		r := c.batch(event("7", 1))
		if r.status != row.status || r.body != row.body || r.header.Get(row.header) != row.is {
			t.Errorf("%s: %d %q %v", row.spec, r.status, r.body, r.header)
		}
		got := c.last()
		if got.Taken != row.taken || got.Applied != row.apply || got.Status != row.status || got.Fault != row.name ||
			got.Person != "id:7" {
			t.Errorf("%s: receipt %+v", row.spec, got)
		}
		if got := len(c.s.People()); got != map[bool]int{true: 1}[row.apply] {
			t.Errorf("%s: %d people", row.spec, got)
		}
		c.fired(row.name, 1)
		c.s.RemoveFault(row.name)
		c.ok(c.batch(event("7", 2)))
		c.fired(row.name, 1)
	}
}

func TestConnectionFaults(t *testing.T) {
	for _, overTCP := range []bool{true, false} {
		for _, applied := range []bool{false, true} {
			for _, spec := range []string{"reset", "hang=headers", "hang=body"} {
				s := New(Options{})
				c := &client{t: t, s: s, url: "http://localhost", transport: s.Transport()}
				if overTCP {
					c = start(t, Options{})
				}
				name := c.fault(spec + map[bool]string{true: ",applied"}[applied])
				_, err := c.try("POST", batchPath, `{"batch":[`+event("7", 1)+`]}`, func(r *http.Request) {
					if spec != "reset" {
						ctx, cancel := context.WithTimeout(r.Context(), 50*time.Millisecond)
						t.Cleanup(cancel)
						*r = *r.WithContext(ctx)
					}
				})
				if err == nil {
					t.Errorf("%s was answered", name)
				}
				got := c.last()
				if got.Status != 0 || got.Taken != applied || got.Applied != applied || len(c.s.Receipts(0)) != 1 {
					t.Errorf("%s: receipt %+v", name, got)
				}
				if got := c.s.Stats().ByStatus[0]; got != 1 {
					t.Errorf("%s: %d unanswered requests", name, got)
				}
				c.fired(name, 1)
			}
		}
	}
}

func TestFaultConditions(t *testing.T) {
	// Each row is a fault and which of the twelve requests that follow meet it.
	for spec, want := range map[string]string{
		"status=500":                        "xxxxxxxxxxxx",
		"status=500,times=3":                "xxx.........",
		"status=500,nth=3":                  "..x.........",
		"status=500,nth=3,times=2":          "..xx........",
		"status=500,path=/api/v2/batch":     "xxxxxxxxx...",
		"status=500,path=/api/v1":           "..........xx",
		"status=500,person=id:vip-*":        ".......xx...",
		"status=500,person=*-2":             "........x...",
		"status=500,person=id:p3":           "...x........",
		"status=500,contains=poison":        "......x.....",
		"status=500,person=id:p*,nth=2":     ".x..........",
		"status=500,person=id:p1,contains=": ".x..........",
	} {
		c := start(t, Options{})
		c.fault(spec)
		got := ""
		send := func(method, path, body string) {
			mark := "."
			if r := c.do(method, path, body); r.status == 500 {
				mark = "x"
			}
			got += mark
		}
		for n := range 6 {
			send("POST", batchPath, `{"batch":[`+event("other", 100+n)+`,`+event(fmt.Sprintf("p%d", n), n)+`]}`)
		}
		send("POST", batchPath, `{"batch":[`+set9("poison")+`]}`)
		send("POST", batchPath, `{"batch":[`+event("vip-1", 11)+`]}`)
		send("POST", batchPath, `{"batch":[`+event("vip-2", 12)+`]}`)
		send("POST", entityPath, event("e", 13))
		send("PUT", "/api/v1/customers/e", `{}`)
		send("GET", regionPath, "")
		if got != want {
			t.Errorf("%s met %s, want %s", spec, got, want)
		}
	}
}

func set9(v string) string { return identify("9", `{"v":"`+v+`"}`) }

func TestFaultShard(t *testing.T) {
	c := start(t, Options{})
	c.fault("name=shard,status=500,shard=1/3")
	hit := 0
	for n := range 60 {
		who := fmt.Sprintf("p%d", n)
		want := 200
		if Shard("id:"+who, 3) == 1 {
			want = 500
			hit++
		}
		if r := c.batch(event(who, n)); r.status != want {
			t.Errorf("%s: %d, want %d", who, r.status, want)
		}
	}
	if hit < 5 || hit > 40 {
		t.Errorf("the shard has %d of 60 people", hit)
	}
	c.fired("shard", hit)
}

func TestProbabilityFollowsTheSeed(t *testing.T) {
	run := func(seed uint64) (pattern string, fired int) {
		c := start(t, Options{Seed: seed, Faults: []Fault{{Name: "p", Status: 500, Probability: 0.3}}})
		for n := range 200 {
			pattern += strconv.Itoa(c.batch(event("7", n)).status)[:1]
		}
		return pattern, c.s.FaultCounts()["p"]
	}
	one, fired := run(1)
	again, _ := run(1)
	other, _ := run(2)
	if one != again || one == other {
		t.Error("the same seed must give the same faults, and another seed others")
	}
	if fired < 35 || fired > 85 || strings.Count(one, "5") != fired {
		t.Errorf("fired %d times of 200 with probability 0.3", fired)
	}
}

func TestRefusals(t *testing.T) {
	c := start(t, Options{})
	c.fault("name=second,refuse=invalid,item=2,times=1")
	r := c.batch(event("1", 1), event("2", 2), event("3", 3))
	if r.status != 207 || firstProblem(t, r.body) != "invalid|identifiers|refused by the fault second for id:2" ||
		!strings.Contains(r.body, `"batch_index":1`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	c.ok(c.batch(event("1", 4), event("2", 5)))
	c.fault("name=vip,refuse=forbidden,person=id:vip*")
	r = c.batch(event("1", 6), event("vip1", 7), event("vip2", 8))
	if r.status != 207 || strings.Count(r.body, `"reason":"forbidden"`) != 2 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.do("POST", entityPath, event("vip3", 9)); r.status != 400 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.do("POST", "/api/v1/customers/vip4/suppress", ""); r.status != 400 ||
		!strings.Contains(r.body, `{"meta":`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if got := c.last(); got.Taken || got.Fault != "vip" || got.Error == "" || c.s.Stats().People != 3 {
		t.Errorf("%+v", got)
	}
	c.fired("second", 1)
	c.fired("vip", 3)
	c = start(t, Options{PartialStatusOK: true, Faults: []Fault{{Refuse: "invalid", Item: 1}}})
	if r := c.batch(event("1", 1), event("2", 2)); r.status != 200 || !strings.Contains(r.body, `"batch_index":0`) ||
		c.last().Status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestFaultsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		c := &client{t: t, s: s, url: "http://track.customer.io", transport: s.Transport()}
		c.fault("name=outage,status=429,retry_after=date+90s,for=1h")
		if r := c.batch(event("7", 1)); r.status != 429 ||
			r.header.Get("Retry-After") != time.Now().Add(90*time.Second).UTC().Format(http.TimeFormat) {
			t.Errorf("%d %v", r.status, r.header)
		}
		time.Sleep(time.Hour)
		c.ok(c.batch(event("7", 1)))
		c.fault("name=slow,latency=20s")
		began := time.Now()
		c.ok(c.batch(event("7", 2)))
		if got := time.Since(began); got != 20*time.Second || !c.last().At.Equal(time.Now()) {
			t.Errorf("took %s", got)
		}
		impatient := func(r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
			time.AfterFunc(time.Minute, cancel)
			*r = *r.WithContext(ctx)
		}
		for _, spec := range []string{"name=slow,latency=20s", "name=slow,latency=20s,applied", "name=slow,hang=body"} {
			c.fault(spec)
			if _, err := c.try("POST", entityPath, event("7", len(s.Receipts(0))), impatient); err == nil {
				t.Errorf("%s: no error", spec)
			}
			synctest.Wait()
			if got, applied := c.last(), strings.HasSuffix(spec, "applied"); got.Applied != applied ||
				got.Fault != "slow" {
				t.Errorf("%s: %+v", spec, got)
			}
		}
		c.fired("slow", 4)
		time.Sleep(time.Minute)
	})
}
