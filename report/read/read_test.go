package read_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/report/read"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A script is what Customer.io answers, by what it is asked: "GET /v1/segments", "POST /v1/customers {}", or with the
// address of a file. Several answers to one question come one after the other, and the last again and again. An answer
// can begin with the line "status 429 Retry-After=60".
type script struct {
	mu      sync.Mutex
	answers map[string][]string
	asked   []string
	strange []string // questions that nobody expects

	hook func(question string, r *http.Request) *http.Response // it may answer in place of the script
}

func newScript(files []txtar.File) *script {
	s := &script{answers: map[string][]string{}}
	for _, f := range files {
		s.answers[f.Name] = append(s.answers[f.Name], string(f.Data))
	}
	return s
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	question := r.Method + " " + r.URL.RequestURI()
	if r.URL.Host != "api.customer.io" {
		question = r.Method + " " + r.URL.String()
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body.Close()
		question += " " + string(body)
	}
	s.asked = append(s.asked, question)
	if s.hook != nil {
		if resp := s.hook(question, r); resp != nil {
			return resp, nil
		}
	}
	answers := s.answers[question]
	if len(answers) == 0 {
		s.strange = append(s.strange, question)
		return answer("status 404\n{}"), nil
	}
	if len(answers) > 1 {
		s.answers[question] = answers[1:]
	}
	return answer(answers[0]), nil
}

func answer(text string) *http.Response {
	resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}}
	if head, body, _ := strings.Cut(text, "\n"); strings.HasPrefix(head, "status ") {
		text = body
		for i, word := range strings.Fields(head)[1:] {
			if name, value, _ := strings.Cut(word, "="); i > 0 {
				resp.Header.Set(name, value)
			} else if _, err := fmt.Sscan(word, &resp.StatusCode); err != nil {
				panic(err)
			}
		}
	}
	resp.Body = io.NopCloser(strings.NewReader(text))
	return resp
}

// newAPI is the way that requests take in the bridge, with a workspace that has no name.
func newAPI(t testing.TB, to http.RoundTripper, change func(*customerio.Config)) (*delivery.Sender, customerio.Config) {
	t.Helper()
	dir := t.TempDir()
	c := customerio.DefaultConfig()
	c.Region = customerio.US
	for path, text := range map[*string]string{&c.SiteIDFile: "site", &c.APIKeyFile: "key", &c.AppKeyFile: "app"} {
		*path = filepath.Join(dir, text)
		if err := os.WriteFile(*path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(&c)
	}
	client, err := customerio.NewClient(c, 2, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	list := []delivery.Workspace{{Client: client, Config: c}}
	return delivery.New(list, canarytest.Logger(t), canarytest.Registry(t)), c
}

// told is what a reader has told, one line each.
type told struct {
	lines []string
	saved string
	rows  int
}

// run reads a report once.
func run(ctx context.Context, t testing.TB, api read.API, c report.Config, q report.Request) (told, error) {
	t.Helper()
	reader, err := read.New(c, api)
	if err != nil {
		t.Fatal(err)
	}
	var all told
	all.saved = q.Saved
	q.Malformed = func(_ context.Context, m report.Malformed) error {
		all.lines = append(all.lines, fmt.Sprintf("malformed line %d %s: %s", m.Line, m.Detail, m.Text))
		return nil
	}
	q.Save = func(_ context.Context, text string) error {
		all.saved = text
		return nil
	}
	seen := map[string]bool{}
	err = reader.Read(ctx, q, func(r report.Row) error {
		all.rows++
		const layout = "2006-01-02T15:04:05Z07:00"
		key := fmt.Sprintf("%s %s", r.Object, r.Window.Start.Format(layout))
		if !r.Window.End.Equal(r.Window.Start) {
			key += " " + r.Window.End.Format(layout)
		}
		if seen[key] {
			t.Errorf("told twice: %s", key)
		}
		seen[key] = true
		all.lines = append(all.lines, key+" "+string(r.Data))
		return nil
	})
	return all, err
}

func (a told) text(err error) string {
	text := strings.Join(a.lines, "\n") + "\n"
	if err != nil {
		text += "error: " + err.Error() + "\n"
	}
	return strings.TrimPrefix(text, "\n")
}

// at is the time of the runs of the tests, in summer, an hour after the day has begun in Customer.io's own time.
var at = time.Date(2026, 7, 2, 6, 0, 0, 0, time.UTC)

// update writes what is read now into the golden files.
var update = os.Getenv("CIOBRIDGE_UPDATE_SCRIPTS") != ""

var written = regexp.MustCompile(`ULID@([-+]\d+[a-z]+)`)

// withIDs puts ULIDs in the place of times.
func withIDs(text []byte) []byte {
	return written.ReplaceAllFunc(text, func(match []byte) []byte {
		ago, err := time.ParseDuration(string(written.FindSubmatch(match)[1]))
		if err != nil {
			panic(err)
		}
		id := ulid.MustNew(ulid.Timestamp(at.Add(ago)), bytes.NewReader(make([]byte, 10)))
		return []byte(id.String())
	})
}

// golden runs a report against an archive of answers, and compares the rows with those in it.
func golden(t *testing.T, name string, c report.Config, q report.Request) *script {
	t.Helper()
	path := filepath.Join("testdata", name+".txtar")
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range archive.Files {
		archive.Files[i].Data = withIDs(f.Data)
	}
	s := newScript(archive.Files)
	api, _ := newAPI(t, s, nil)
	all, err := run(t.Context(), t, api, c, q)
	got := all.text(err)
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "rows" })
	if i < 0 {
		i = len(archive.Files)
		archive.Files = append(archive.Files, txtar.File{Name: "rows"})
	}
	if len(s.strange) > 0 {
		t.Errorf("asked %q", s.strange)
	}
	if update {
		kept, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kept.Files = append(slices.DeleteFunc(kept.Files, func(f txtar.File) bool { return f.Name == "rows" }),
			txtar.File{Name: "rows", Data: []byte(got)})
		if err := os.WriteFile(path, txtar.Format(kept), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(archive.Files[i].Data); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	return s
}
