package webhook_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/cloudevent"
	"github.com/ciobridge/ciobridge/internal/longtest"
	"github.com/ciobridge/ciobridge/secret"
	"github.com/ciobridge/ciobridge/webhook"
)

func TestMain(m *testing.M) {
	longtest.Together(32)
	goleak.VerifyTestMain(m)
}

// shelf is a bus in memory, which can be down, lose the acknowledgement of what it stores, and be slow to be read.
type shelf struct {
	mu       sync.Mutex
	events   []*cloudevent.Event
	subjects []string
	read     int
	down     bool
	silent   bool // what is stored is not acknowledged
	unread   bool
	most     int // bytes of an event; 1 MiB if 0
}

var errDown = errors.New("the bus is down")

func (b *shelf) Publish(_ context.Context, e *cloudevent.Event, object, metric string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return errDown
	}
	text, err := e.JSON()
	if err != nil {
		return err
	}
	size := len(text) + len(e.Subject) // which is the key
	for _, h := range e.Headers() {
		size += len(h.Value)
	}
	if size > cmp.Or(b.most, 1<<20) {
		return webhook.ErrTooLarge
	}
	b.events, b.subjects = append(b.events, e), append(b.subjects, object+"."+metric)
	if b.silent {
		return errDown
	}
	return nil
}

func (b *shelf) Read(_ context.Context, _ int, each func(id string)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unread {
		return errDown
	}
	for ; b.read < len(b.events); b.read++ {
		each(b.events[b.read].ID)
	}
	return nil
}

func (b *shelf) Close() {}

func (b *shelf) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *shelf) ids() (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		list = append(list, e.ID)
	}
	return list
}

// A station is a server that runs.
type station struct {
	t   *testing.T
	url string
	bus *shelf
	reg *prometheus.Registry
	*webhook.Server
}

const signingKey = "the-signing-key-of-a-test"

func newStation(t *testing.T, bus *shelf, change func(*webhook.Config)) *station {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(signingKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := webhook.DefaultConfig()
	c.Listen, c.Topic = "127.0.0.1:0", "webhooks"
	c.SigningKeys = []webhook.SigningKey{{File: file}}
	if change != nil {
		change(&c)
	}
	if err := c.Validate([]string{"shop_us"}); err != nil {
		t.Fatal(err)
	}
	reg := canarytest.Registry(t)
	server, err := webhook.New(c, canarytest.Logger(t), reg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := server.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	all.Go(func() { server.Follow(ctx, bus) })
	t.Cleanup(func() {
		cancel()
		all.Wait()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	s := &station{t: t, url: "http://" + server.Address() + c.Path, bus: bus, reg: reg, Server: server}
	return s
}

func (s *station) ready() {
	s.t.Helper()
	for end := time.Now().Add(15 * time.Second); s.Ready() != nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not ready: %v", s.Ready())
		}
	}
}

// post sends a body that is signed at a time with a key, and returns the status.
func (s *station) post(key string, at time.Time, body string) int {
	s.t.Helper()
	stamp := strconv.FormatInt(at.Unix(), 10)
	return s.send(body, stamp, webhook.Sign(secret.New(key), stamp, []byte(body)))
}

func (s *station) send(body, stamp, signature string) int {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-CIO-Timestamp", stamp)
	r.Header.Set("X-CIO-Signature", signature)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	canarytest.Text(s.t, "the answer", string(answer))
	return res.StatusCode
}

func (s *station) counted(result string) int {
	s.t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "ciobridge_webhooks_total" && m.GetLabel()[0].GetValue() == result {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return -1
}

func bounce(id string) string {
	return `{"event_id":"` + id + `","object_type":"email","metric":"bounced","timestamp":1700000000,` +
		`"data":{"identifiers":{"id":"42","email":"canary@mail.invalid","cio_id":"cio_1"},"delivery_id":"d1","extra":{"new":1}}}`
}

// A webhook is stored with what Customer.io says of it, and a repeat is not stored again.
func TestWebhookIsStoredOnce(t *testing.T) {
	t.Parallel()
	s := newStation(t, &shelf{}, nil)
	s.ready()
	for range 3 {
		if status := s.post(signingKey, time.Now(), bounce("01HABC")); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
	}
	if got := s.bus.ids(); fmt.Sprint(got) != "[01HABC]" {
		t.Fatalf("stored %v", got)
	}
	text, err := s.bus.events[0].JSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"specversion":"1.0","id":"01HABC","source":"https://customer.io","type":"io.customer.email.bounced",` +
		`"subject":"cio_1","time":"2023-11-14T22:13:20Z","datacontenttype":"application/json","data":` +
		bounce("01HABC") + `}`
	if string(text) != want {
		t.Errorf("stored\n%s\nwant\n%s", text, want)
	}
	if s.bus.subjects[0] != "email.bounced" {
		t.Errorf("subject %s", s.bus.subjects[0])
	}
	if s.counted("stored") != 1 || s.counted("repeated") != 2 {
		t.Errorf("%d stored, %d repeated", s.counted("stored"), s.counted("repeated"))
	}
}

// What is not signed with a key that is known, or was signed too long ago, is refused before it is stored.
func TestSignatures(t *testing.T) {
	t.Parallel()
	second := filepath.Join(t.TempDir(), "second")
	if err := os.WriteFile(second, []byte("the-next-key"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStation(t, &shelf{}, func(c *webhook.Config) {
		c.SigningKeys = append(c.SigningKeys, webhook.SigningKey{File: second, Workspace: "shop_us"})
	})
	s.ready()
	now := time.Now()
	stamp := strconv.FormatInt(now.Unix(), 10)
	good := webhook.Sign(secret.New(signingKey), stamp, []byte(bounce("1")))
	for name, status := range map[string]int{
		"another key":   s.post("not-the-key", now, bounce("1")),
		"another body":  s.send(bounce("2"), stamp, good),
		"another time":  s.send(bounce("1"), strconv.FormatInt(now.Unix()+1, 10), good),
		"no time":       s.send(bounce("1"), "", good),
		"no number":     s.send(bounce("1"), "now", good),
		"no signature":  s.send(bounce("1"), stamp, ""),
		"not digits":    s.send(bounce("1"), stamp, strings.Repeat("zz", 32)),
		"a part":        s.send(bounce("1"), stamp, good[:32]),
		"too old":       s.post(signingKey, now.Add(-6*time.Minute), bounce("1")),
		"of the future": s.post(signingKey, now.Add(6*time.Minute), bounce("1")),
	} {
		if status != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, status)
		}
	}
	if len(s.bus.ids()) > 0 {
		t.Errorf("stored %v", s.bus.ids())
	}
	if n := s.counted("unsigned") + s.counted("outdated"); n != 10 {
		t.Errorf("%d counted", n)
	}
	if s.post("the-next-key", now, bounce("3")) != http.StatusOK || s.bus.events[0].Workspace != "shop_us" {
		t.Error("the second key does not tell its workspace")
	}
}

// A body that nobody can read is stored as it is: refused, it would hold back all that Customer.io has to say.
func TestUnreadableBodiesAreStored(t *testing.T) {
	t.Parallel()
	s := newStation(t, &shelf{}, nil)
	s.ready()
	for i, body := range []string{"", "{", "null", "[1]", "\xff", `{"event_id":7,"metric":"A b.*>","object_type":null}`} {
		for range 2 {
			if status := s.post(signingKey, time.Now(), body); status != http.StatusOK {
				t.Errorf("%q: status %d", body, status)
			}
		}
		if n := len(s.bus.ids()); n != i+1 {
			t.Errorf("%q: %d stored", body, n)
		}
	}
	if got := strings.Join(s.bus.subjects, " "); got != strings.Repeat("webhook.unreadable ", 5)+"unknown.a_b___" {
		t.Errorf("subjects %s", got)
	}
	if last := s.bus.events[5]; last.ID != "7" {
		t.Errorf("id %s", last.ID)
	}
	if text, err := s.bus.events[4].JSON(); err != nil || !strings.Contains(string(text), `"data_base64":"/w=="`) {
		t.Errorf("stored %s, %v", text, err)
	}
}

// Where the bus does not answer, nothing is said to be stored. What it has stored nevertheless is not stored again.
// TestLateEventsMakeNoRepeats shows the same in virtual time.
func TestLostAcknowledgementsMakeNoRepeats(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	bus := &shelf{unread: true}
	s := newStation(t, bus, nil)
	if status := s.post(signingKey, time.Now(), bounce("1")); status != http.StatusServiceUnavailable {
		t.Errorf("status %d before the bus was read", status)
	}
	bus.set(func() { bus.unread = false })
	s.ready()
	bus.set(func() { bus.silent = true })
	if status := s.post(signingKey, time.Now(), bounce("1")); status != http.StatusServiceUnavailable {
		t.Errorf("status %d without an acknowledgement", status)
	}
	if len(bus.ids()) != 1 {
		t.Fatal("the fault did not happen")
	}
	bus.set(func() { bus.silent = false })
	if status := s.post(signingKey, time.Now(), bounce("1")); status != http.StatusServiceUnavailable {
		t.Errorf("status %d before it is known what was stored", status)
	}
	s.ready()
	for _, id := range []string{"1", "2"} {
		if status := s.post(signingKey, time.Now(), bounce(id)); status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	if got := bus.ids(); fmt.Sprint(got) != "[1 2]" {
		t.Errorf("stored %v", got)
	}
}

// What another replica has stored, or this one before it was started again, is known.
func TestRepeatsOfOthersAreKnown(t *testing.T) {
	t.Parallel()
	bus := &shelf{}
	first := newStation(t, bus, nil)
	first.ready()
	first.post(signingKey, time.Now(), bounce("1"))
	second := newStation(t, &shelf{events: bus.events}, nil)
	second.ready()
	if status := second.post(signingKey, time.Now(), bounce("1")); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	if second.counted("repeated") != 1 {
		t.Errorf("stored %v", second.bus.ids())
	}
}

// The same event many times at once is stored once.
func TestRepeatsAtOnce(t *testing.T) {
	t.Parallel()
	s := newStation(t, &shelf{}, nil)
	s.ready()
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			if status := s.post(signingKey, time.Now(), bounce(strconv.Itoa(i%4))); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		})
	}
	all.Wait()
	if got := s.bus.ids(); len(got) != 4 {
		t.Errorf("stored %v", got)
	}
}

// Bodies are bounded, whatever they say of their length, and what would be too large for the bus is stored without the
// content of the message.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	s := newStation(t, &shelf{}, nil)
	s.ready()
	large := `{"event_id":"big","object_type":"email","metric":"sent","data":{"identifiers":{"id":"1"},"content":"` +
		strings.Repeat("x", 1<<20) + `"}}`
	if status := s.post(signingKey, time.Now(), large); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	text, err := s.bus.events[0].JSON()
	if err != nil || len(text) > 1000 || !strings.Contains(string(text), `"omitted":["content","headers"]`) ||
		!strings.Contains(string(text), `"identifiers":{"id":"1"}`) {
		t.Errorf("stored %d bytes: %.300s", len(text), text)
	}
	larger := `{"event_id":"bigger","data":{"unknown":"` + strings.Repeat("x", 1<<20) + `"}}`
	if status := s.post(signingKey, time.Now(), larger); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	if text, err := s.bus.events[1].JSON(); err != nil || !strings.Contains(string(text), `"omitted":["data"]`) {
		t.Errorf("stored %.300s, %v", text, err)
	}
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /webhooks/customerio HTTP/1.1\r\nHost: x\r\nX-CIO-Timestamp: %d\r\nContent-Length: "+
		"104857600\r\n\r\n", time.Now().Unix())
	answer := make([]byte, 64)
	n, err := io.ReadAtLeast(conn, answer, 12)
	if err != nil || !strings.HasPrefix(string(answer[:n]), "HTTP/1.1 413") {
		t.Errorf("100 MB: %q, %v", answer, err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, io.LimitReader(endless{}, 5<<20))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-CIO-Timestamp", strconv.FormatInt(time.Now().Unix(), 10))
	if res, err := http.DefaultClient.Do(r); err == nil {
		res.Body.Close()
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("5 MB without a length: status %d", res.StatusCode)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Who sends slowly is dropped, and nobody else waits for him.
func TestSlowSenders(t *testing.T) {
	longtest.Only(t)
	t.Parallel()
	s := newStation(t, &shelf{}, nil)
	s.ready()
	var slow []net.Conn
	for range 50 {
		conn, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /webhooks/customerio HTTP/1.1\r\nHost: x\r\nX-CIO-Timestamp: %d\r\nContent-Length: 100"+
			"\r\n\r\n{", time.Now().Unix())
		slow = append(slow, conn)
	}
	if status := s.post(signingKey, time.Now(), bounce("1")); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	for _, conn := range slow {
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Fatalf("is not dropped: %v", err)
		}
	}
	if s.counted("broken") != 50 {
		t.Errorf("%d broken", s.counted("broken"))
	}
}

// Other paths and methods are told apart from webhooks.
func TestOtherRequests(t *testing.T) {
	t.Parallel()
	s := newStation(t, &shelf{}, nil)
	for url, want := range map[string]int{
		s.url: http.StatusMethodNotAllowed, s.url + "/more": http.StatusNotFound,
		"http://" + s.Address() + "/": http.StatusNotFound,
	} {
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: status %d", url, res.StatusCode)
		}
	}
	if n := testutil.CollectAndCount(s.reg); n == 0 {
		t.Error("no metrics")
	}
}
