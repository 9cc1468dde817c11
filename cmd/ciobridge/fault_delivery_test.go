package main

import (
	"maps"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/checkertest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// once is a day without repeats or fallbacks; again allows the receipts of an attempt whose answer was lost.
var (
	once  = checkertest.Limits{}
	again = checkertest.Limits{Fallbacks: true, Repeats: -1}
)

func TestFaultOneCallRefusedAmongMany(t *testing.T) {
	inFlow(t, 2000, func(t *testing.T, f *flow) {
		f.fault("name=refuse,refuse=invalid,contains=" + marked)
		f.run(time.Hour, nil)
		f.check(once, "refuse")
		if d := f.dead(); d.Reason != event.ReasonRefused || d.Attempts != 1 || d.Rule != "numbered" {
			t.Errorf("got %+v", d)
		}
	})
}

func TestFaultBatchRefusedWholeForOneCall(t *testing.T) {
	inFlow(t, 2000, func(t *testing.T, f *flow) {
		f.fault("name=whole,status=400,contains=" + marked)
		f.run(time.Hour, nil)
		f.check(once, "whole")
		if d := f.dead(); d.Reason != event.ReasonRefused || d.Status != 400 {
			t.Errorf("got %+v", d)
		}
		if n := f.cio.FaultCounts()["whole"]; n > 12 {
			t.Errorf("%d requests to find one call among 500", n)
		}
	})
}

// A sizeLimit refuses requests with a larger body, as a proxy does, and carries the others on. It stands for a fault
// of the emulator that is told how often to happen: which of the requests have only one call, which would be too
// large for good, depends on how the goroutines of the pipeline take turns.
type sizeLimit struct {
	http.RoundTripper
	bytes   int64
	refused atomic.Int64
}

func (l *sizeLimit) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.ContentLength <= l.bytes {
		return l.RoundTripper.RoundTrip(r)
	}
	l.refused.Add(1)
	r.Body.Close()
	return &http.Response{StatusCode: http.StatusRequestEntityTooLarge, Body: http.NoBody, Request: r}, nil
}

func TestFaultTooLargeIsSplit(t *testing.T) {
	inFlow(t, 2000, func(t *testing.T, f *flow) {
		limit := &sizeLimit{RoundTripper: f.transport, bytes: 5000}
		f.transport = limit
		f.run(time.Hour, nil)
		f.check(once)
		if n := limit.refused.Load(); n < 6 {
			t.Errorf("%d requests were too large", n)
		}
		if n := len(f.letters.letters); n > 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

func TestFaultTooManyRequests(t *testing.T) {
	inFlow(t, 2000, func(t *testing.T, f *flow) {
		f.fault("name=seconds,status=429,retry_after=30,times=2")
		f.fault(`name=date,status=429,retry_after="date+45s",times=2`)
		f.fault("name=silent,status=429,times=2")
		f.run(time.Hour, nil)
		f.check(once, "seconds", "date", "silent")
		if took := time.Since(f.began); took < 75*time.Second {
			t.Errorf("done after %s: Retry-After was not honoured", took)
		}
		if n := len(f.letters.letters); n > 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

func TestFaultOutages(t *testing.T) {
	outages := map[string]time.Duration{"ten minutes": 10 * time.Minute}
	if longtest.On() {
		outages = map[string]time.Duration{"an hour": time.Hour, "three hours": 3 * time.Hour}
	}
	for name, outage := range outages {
		t.Run(name, func(t *testing.T) {
			inFlow(t, longtest.Either(1500, 4000), func(t *testing.T, f *flow) {
				f.config.Memory = 1 << 20
				f.fault("name=outage,status=503,for=" + outage.String())
				f.run(outage+10*time.Minute, nil)
				f.check(once, "outage")
				if n := len(f.letters.letters); n > 0 {
					t.Errorf("%d dead letters from an outage", n)
				}
				if n := f.cio.FaultCounts()["outage"]; n > 100+int(outage/(3*time.Second)) {
					t.Errorf("%d requests in an outage of %s", n, name)
				}
				if late := time.Since(f.began) - outage; late > time.Minute {
					t.Errorf("recovered only %s after the outage", late)
				}
			})
		})
	}
}

func TestFaultPoison(t *testing.T) {
	longtest.Only(t)
	inFlow(t, 12_000, func(t *testing.T, f *flow) {
		slowly(f)
		f.fault("name=poison,status=500,contains=" + marked)
		f.run(4*time.Hour, nil)
		f.check(once, "poison")
		if d := f.dead(); d.Reason != event.ReasonPoison || d.Attempts < 10 || d.Status != 500 {
			t.Errorf("got %+v", d)
		}
	})
}

// slowly spreads the events over about an hour, so that others are accepted while one is stuck.
func slowly(f *flow) {
	f.cioConf.RequestsPerSecond = 1
	f.config.BatchItems = 2
}

func TestFaultOneShardDownIsAnOutage(t *testing.T) {
	inFlow(t, longtest.Either(2000, 6000), func(t *testing.T, f *flow) {
		slowly(f)
		f.fault("name=shard,status=500,shard=0/4,for=40m")
		f.run(6*time.Hour, nil)
		f.check(once, "shard")
		if n := len(f.letters.letters); n > 0 {
			t.Errorf("%d dead letters from a part that was down", n)
		}
	})
}

func TestFaultAnswersThatAreNone(t *testing.T) {
	specs := map[string]string{
		"hang in the body":  "hang=body,times=3",
		"applied and reset": "reset,applied,times=3",
		"an answer cut off": `status=200,body="{\"err",times=3`,
	}
	if longtest.On() {
		maps.Copy(specs, map[string]string{
			"hang before headers": "hang=headers,times=3",
			"connection reset":    "reset,times=3",
			"applied and hanging": "hang=headers,applied,times=3",
			"a web page":          `status=200,body="<html>sign in</html>",times=3`,
			"a redirect":          "status=302,location=https://elsewhere.example/,times=3",
			"a bad gateway":       "status=502,times=3",
			"a slow day":          "latency=4s,times=20",
		})
	}
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			inFlow(t, 2000, func(t *testing.T, f *flow) {
				f.fault("name=fault," + spec)
				f.run(2*time.Hour, nil)
				f.check(again, "fault")
				if n := len(f.letters.letters); n > 0 {
					t.Errorf("%d dead letters", n)
				}
			})
		})
	}
}

// A refusal of a call that the batch did not have costs nothing: everything else of the batch was taken, and is never
// sent again.
func TestFaultRefusalsOfNoCall(t *testing.T) {
	inFlow(t, 2000, func(t *testing.T, f *flow) {
		f.fault(`name=fault,path=/api/v2/batch,status=207,applied,` +
			`body="{\"errors\":[{\"batch_index\":1000,\"reason\":\"invalid\"}]}",times=3`)
		f.run(10*time.Minute, nil)
		f.check(once, "fault")
		if n := len(f.letters.letters); n > 0 {
			t.Errorf("%d dead letters", n)
		}
	})
}

// A refusal that names no call, beside one that does, may be of any other call: smaller requests show of which.
func TestFaultRefusalWithoutAPlaceBesideOneThatHasIt(t *testing.T) {
	inFlow(t, 2000, func(t *testing.T, f *flow) {
		f.fault(`name=fault,path=/api/v2/batch,status=207,contains=` + marked +
			`,body="{\"errors\":[{\"batch_index\":0},{\"reason\":\"invalid\"}]}"`)
		f.run(time.Hour, nil)
		f.check(once, "fault")
		if d := f.dead(); d.Reason != event.ReasonRefused || d.Status != 207 {
			t.Errorf("got %+v", d)
		}
	})
}

func TestFaultCredentialsRevokedUntilTheFileIsReplaced(t *testing.T) {
	inFlow(t, 4000, func(t *testing.T, f *flow) {
		slowly(f)
		f.cioConf.RequestsPerSecond = 20
		unauthorized := 0
		f.run(time.Hour, func(<-chan struct{}) {
			time.Sleep(5 * time.Second)
			f.cio.SetCredentials("emulator", "the new key")
			time.Sleep(10 * time.Minute)
			unauthorized = f.cio.Stats().ByStatus[401]
			if f.source.Settled() {
				t.Error("settled without credentials")
			}
			f.key("the new key")
			before := f.cio.Stats().Applied
			time.Sleep(15 * time.Second)
			if f.cio.Stats().Applied == before {
				t.Error("did not go on by itself with the new key")
			}
		})
		f.check(once)
		if unauthorized == 0 || unauthorized > 10*60/3 {
			t.Errorf("%d requests were refused in ten minutes", unauthorized)
		}
		if n := len(f.letters.letters); n > 0 {
			t.Errorf("%d dead letters from a revoked key", n)
		}
	})
}

func TestFaultDeadLettersDown(t *testing.T) {
	inFlow(t, 2000, func(t *testing.T, f *flow) {
		f.fault("name=refuse,refuse=invalid,contains=" + marked)
		f.letters.down = func(now time.Time) bool { return now.Sub(f.began) < time.Hour }
		early := false
		f.run(2*time.Hour, func(<-chan struct{}) {
			time.Sleep(50 * time.Minute)
			early = f.source.Settled()
		})
		f.check(once, "refuse")
		if f.letters.refused == 0 || early {
			t.Errorf("%d times refused; settled without the letter: %v", f.letters.refused, early)
		}
		f.dead()
	})
}

func TestFaultRebalanceDuringAnOutage(t *testing.T) {
	inFlow(t, longtest.Either(2000, 4000), func(t *testing.T, f *flow) {
		f.fault("name=outage,status=503,for=20m")
		f.fault("name=trouble,status=500,probability=0.2")
		rebalances := 0
		f.run(4*time.Hour, func(stop <-chan struct{}) {
			for range 12 {
				time.Sleep(2 * time.Minute)
				if !f.source.Rebalance(stop) {
					return
				}
				rebalances++
			}
		})
		f.check(again, "outage", "trouble")
		if rebalances == 0 {
			t.Error("no rebalance happened")
		}
	})
}
