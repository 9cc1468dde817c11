package webhook_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/secret"
	"github.com/ciobridge/ciobridge/webhook"
)

// A webhook that could never be stored would hold back all others for seven days. So whatever stands in it, it is
// stored, once, as what every consumer can read, and its id comes back from a header.
func TestNothingInABodyHoldsOthersBack(t *testing.T) {
	t.Parallel()
	s := newStation(t, &shelf{}, nil)
	s.ready()
	long := strings.Repeat("x", 800<<10)
	for name, body := range map[string]string{
		"milliseconds":         `{"event_id":"a","timestamp":1700000000000}`,
		"a huge time":          `{"event_id":"b","timestamp":9223372036854775807}`,
		"a negative time":      `{"event_id":"c","timestamp":-99999999999999}`,
		"a long id":            `{"event_id":"` + long + `"}`,
		"an id of two lines":   `{"event_id":"a\r\nb"}`,
		"an id with blanks":    `{"event_id":" a "}`,
		"an id with a null":    `{"event_id":"a\u0000"}`,
		"a long person":        `{"event_id":"d","data":{"identifiers":{"cio_id":"` + long + `","id":"7"}}}`,
		"brackets":             `{"event_id":"e","data":{"content":"` + strings.Repeat("<&>", 290<<10) + `"}}`,
		"not UTF-8":            `{"event_id":"f","data":{"content":"` + "\xff\xfe" + `"}}`,
		"a null in the person": `{"event_id":"g","data":{"identifiers":{"id":"\u0000"}}}`,
		"a long metric":        `{"event_id":"h","metric":"` + long + `","object_type":"` + long + `"}`,
		"data of another kind": `{"event_id":"i","data":"` + long + `"}`,
	} {
		before := len(s.bus.ids())
		for range 2 {
			if status := s.post(signingKey, time.Now(), body); status != http.StatusOK {
				t.Fatalf("%s: status %d", name, status)
			}
		}
		if n := len(s.bus.ids()) - before; n != 1 {
			t.Fatalf("%s: stored %d times", name, n)
		}
		e := s.bus.events[before]
		text, err := e.JSON()
		if err != nil || !json.Valid(text) || !utf8.Valid(text) {
			t.Errorf("%s: %v, published %.200q", name, err, text)
		}
		if len(e.ID) > 200 || strings.ContainsAny(e.ID, " \r\n\x00") || len(e.Subject) > 256 || len(e.Type) > 200 {
			t.Errorf("%s: id %.100q, subject %.100q", name, e.ID, e.Subject)
		}
		if name == "a long person" && e.Subject != "7" {
			t.Errorf("the person is %.100q", e.Subject)
		}
	}
}

// A bus that takes less than is usual gets what it takes.
func TestBusThatTakesLittle(t *testing.T) {
	t.Parallel()
	s := newStation(t, &shelf{most: 2000}, nil)
	s.ready()
	for i, body := range []string{
		`{"event_id":"1","data":{"delivery_id":"d","content":"` + strings.Repeat("x", 5000) + `"}}`,
		`{"event_id":"2","data":{"other":"` + strings.Repeat("x", 5000) + `"}}`,
		strings.Repeat("?", 5000),
	} {
		if status := s.post(signingKey, time.Now(), body); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		want := []string{`"data":{"delivery_id":"d"}`, `"omitted":["data"]`, `"data_base64":"Pz8`}[i]
		if text, err := s.bus.events[i].JSON(); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("stored %s, %v", text, err)
		}
	}
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}

// A request that was overheard brings nothing new: as it is it is a repeat, with another body or time it is refused.
func TestReplayedSignature(t *testing.T) {
	t.Parallel()
	s := newStation(t, &shelf{}, func(c *webhook.Config) { c.MaxAge = 10 * time.Second })
	s.ready()
	sign := func(at time.Time, body string) (stamp, signature string) {
		stamp = strconv.FormatInt(at.Unix(), 10)
		return stamp, webhook.Sign(secret.New(signingKey), stamp, []byte(body))
	}
	stamp, signature := sign(time.Now(), bounce("1"))
	old, oldSignature := sign(time.Now().Add(-12*time.Second), bounce("2"))
	for i, got := range []int{
		s.send(bounce("1"), stamp, signature), s.send(bounce("1"), stamp, signature),
		s.send(bounce("3"), stamp, signature),
		s.send(bounce("2"), old, oldSignature), s.send(bounce("2"), stamp, oldSignature),
	} {
		if want := []int{200, 200, 401, 401, 401}[i]; got != want {
			t.Errorf("request %d: status %d, want %d", i, got, want)
		}
	}
	if got := s.bus.ids(); fmt.Sprint(got) != "[1]" {
		t.Errorf("stored %v", got)
	}
	if s.counted("repeated") != 1 || s.counted("unsigned") != 2 || s.counted("outdated") != 1 {
		t.Error("is counted otherwise")
	}
}

// Who announces much and sends little takes nothing from others.
func TestWhatIsOnlyAnnouncedTakesNoRoom(t *testing.T) {
	t.Parallel()
	s := newStation(t, &shelf{}, nil)
	s.ready()
	for range 40 {
		conn, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /webhooks/customerio HTTP/1.1\r\nHost: x\r\nX-CIO-Timestamp: %d\r\nContent-Length: "+
			"4194304\r\n\r\n{", time.Now().Unix())
	}
	time.Sleep(50 * time.Millisecond) // until they are read
	if status := s.post(signingKey, time.Now(), bounce("1")); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

// A flood of webhooks, among them repeats and forgeries, is stored, each once, in little memory.
func TestFlood(t *testing.T) {
	const senders = 50
	each := longtest.Either(10, 50) // half a second of 5,000/s
	s := newStation(t, &shelf{}, nil)
	s.ready()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	post := func(id string, forged bool) (int, error) {
		body := bounce(id)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
		if err != nil {
			return 0, err
		}
		r.Header.Set("X-CIO-Timestamp", stamp)
		r.Header.Set("X-CIO-Signature", webhook.Sign(secret.New(signingKey), stamp, []byte(body)))
		if forged {
			r.Header.Set("X-CIO-Signature", strings.Repeat("0", 64))
		}
		res, err := client.Do(r)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return res.StatusCode, err
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var all sync.WaitGroup
	var most atomic.Int64
	for sender := range senders {
		all.Go(func() {
			for i := range each {
				forged, id := i%10 == 9, fmt.Sprintf("%d.%d", sender, i)
				if i%5 == 4 { // and each tenth comes twice
					id = fmt.Sprintf("%d.%d", sender, i-1)
				}
				want := http.StatusOK
				if forged {
					want = http.StatusUnauthorized
				}
				if got, err := post(id, forged); err != nil || got != want {
					t.Errorf("status %d, %v; want %d", got, err, want)
				}
				most.Store(max(most.Load(), int64(runtime.NumGoroutine())))
			}
		})
	}
	all.Wait()
	var after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&after)
	stored := map[string]bool{}
	for _, id := range s.bus.ids() {
		if stored[id] {
			t.Errorf("%s is stored twice", id)
		}
		stored[id] = true
	}
	if want := senders * each * 4 / 5; len(stored) != want {
		t.Errorf("%d are stored, want %d", len(stored), want)
	}
	if s.counted("unsigned") != senders*each/10 || s.counted("repeated") != senders*each/10 {
		t.Errorf("%d unsigned, %d repeated", s.counted("unsigned"), s.counted("repeated"))
	}
	if most.Load() > 8*senders {
		t.Errorf("%d goroutines", most.Load())
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}
