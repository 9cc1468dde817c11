package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/api"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// leavesNothing has a test that runs beside no other fail if it leaves a goroutine behind.
func leavesNothing(t *testing.T) {
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
}

// appServer answers as Customer.io's App is documented to, and notes what it was asked.
type appServer struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func serveApp(t *testing.T, answer http.HandlerFunc) *appServer {
	s := &appServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked = append(s.asked, fmt.Sprintf("%s %s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Authorization"),
			r.Header.Get("Content-Type"), body))
		s.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

const secretKey = "canary-key"

// configureApp writes a configuration whose Customer.io is at the address.
func configureApp(t *testing.T, address string) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"site": emulator.DefaultSiteID, "track": emulator.DefaultAPIKey, "app": secretKey, "write": secretKey,
		"ciobridge.yaml": fmt.Sprintf(`
source: {embedded: {dir: %[1]s/store, start_at: earliest, durable: a}}
customerio: {region: eu, site_id_file: %[1]s/site, api_key_file: %[1]s/track, app_key_file: %[1]s/app,
  write_key_file: %[1]s/write, url: %[2]q}
dead_letters: {file: %[1]s/dead.jsonl}
rules: [{name: r, event: a, do: [{identify: {person: .id}}]}]
`, dir, address),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "ciobridge.yaml")
}

type apiResult struct {
	out, err string
	code     int
}

func callAPI(t *testing.T, file string, in string, args ...string) apiResult {
	t.Helper()
	cmd := api.New(func(cmd *cobra.Command, in *config.Input) {
		cmd.Flags().StringArrayVarP(&in.Files, "config", "c", []string{file}, "")
	})
	var out, told bytes.Buffer
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(&out)
	cmd.SetErr(&told)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	if err != nil {
		fmt.Fprintln(&told, err)
	}
	return apiResult{out.String(), told.String(), exit.Code(err)}
}

func TestWhatIsAsked(t *testing.T) {
	leavesNothing(t)
	s := serveApp(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{\"results\":[ ]}\n") })
	file := configureApp(t, s.URL)
	person := filepath.Join(t.TempDir(), "person.json")
	if err := os.WriteFile(person, []byte(`{"plan": "pro"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	app, pipelines := "Bearer canary-key", "Basic Y2FuYXJ5LWtleTo="
	for _, c := range []struct {
		args string
		in   string
		want string
	}{
		{"get /customers -q email=a+b@c.org", "", "GET /v1/customers?email=a%2Bb%40c.org " + app + "  "},
		{"GET /v1/api/customers", "", "GET /v1/customers " + app + "  "},
		{"GET /campaigns/8/triggers/1", "", "GET /v1/campaigns/8/triggers/1 " + app + "  "},
		{"GET campaigns --api beta", "", "GET /v1/api/campaigns " + app + "  "},
		{"POST /identify --api pipelines -d {}", "", "POST /v1/identify " + pipelines + " application/json {}"},
		{"POST /segments -d @-", `{"a":1}`, "POST /v1/segments " + app + ` application/json {"a":1}`},
		{"POST /x -H Content-Type:text/csv -d a,b", "", "POST /v1/x " + app + " text/csv a,b"},
		{"POST /x --form a=1 --form b=x=y&z", "",
			"POST /v1/x " + app + " application/x-www-form-urlencoded a=1&b=x%3Dy%26z"},
	} {
		got := callAPI(t, file, c.in, strings.Fields(c.args)...)
		if got.code != exit.OK || got.out != "{\"results\":[ ]}\n" || got.err != "" {
			t.Errorf("%s: %+v", c.args, got)
		}
		if last := s.asked[len(s.asked)-1]; last != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.args, last, c.want)
		}
	}
	if got := callAPI(t, file, "", "POST", "/x", "--file", "upload=@"+person, "--form", "a=1"); got.code != exit.OK {
		t.Errorf("%+v", got)
	}
	if last := s.asked[len(s.asked)-1]; !strings.Contains(last, `name="upload"; filename="person.json"`) ||
		!strings.Contains(last, "Content-Type: application/json\r\n\r\n{\"plan\": \"pro\"}\r\n") {
		t.Error(last)
	}
}

func TestOutcomes(t *testing.T) {
	leavesNothing(t)
	status, body := 200, ""
	s := serveApp(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://evil.example/")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	})
	file := configureApp(t, s.URL)
	for _, c := range []struct {
		status int
		body   string
		code   int
		err    string
	}{
		{200, `{"a":1}`, exit.OK, ""},
		{204, ``, exit.OK, ""},
		{200, `<html>`, exit.CustomerIO, "answer 200 with a body that is not Customer.io's"},
		{400, `{"errors":[{"detail":"no"}]}`, exit.Input, "answer 400"},
		{401, `{"errors":[{"detail":"no"}]}`, exit.Credentials, "answer 401"},
		{403, `{}`, exit.Credentials, "answer 403"},
		{404, `{"errors":[{"detail":"not found"}]}`, exit.Input, "answer 404"},
		{422, `{}`, exit.Input, "answer 422"},
		{301, `{"errors":[{"detail":"wrong datacenter"}]}`, exit.CustomerIO, "a redirect is not followed"},
		{303, `{}`, exit.CustomerIO, "the request may have been carried out"},
		{429, `{}`, exit.CustomerIO, "answer 429"},
		{500, `{}`, exit.CustomerIO, "the request may have been carried out"},
	} {
		status, body = c.status, c.body
		s.asked = nil
		got := callAPI(t, file, "", "POST", "/segments", "-d", "{}")
		if got.code != c.code || got.out != c.body || (c.err == "") != (got.err == "") ||
			!strings.Contains(got.err, c.err) || len(s.asked) != 1 {
			t.Errorf("%d: %+v, asked %q", c.status, got, s.asked)
		}
	}
	s.Close()
	if got := callAPI(t, file, "", "GET", "/segments"); got.code != exit.CustomerIO ||
		!strings.Contains(got.err, "connection refused") {
		t.Errorf("%+v", got)
	}
}

// TestRetries: what may count twice is made again only where it was certainly not carried out.
func TestRetries(t *testing.T) {
	leavesNothing(t)
	for _, c := range []struct {
		method string
		status int
		asked  int
		code   int
	}{
		{"GET", 500, 2, exit.OK}, {"PUT", 502, 2, exit.OK}, {"POST", 429, 2, exit.OK},
		{"POST", 500, 1, exit.CustomerIO}, {"GET", 404, 1, exit.Input}, {"PATCH", 503, 1, exit.CustomerIO},
		{"POST", 408, 2, exit.OK}, {"DELETE", 503, 2, exit.OK},
	} {
		t.Run(fmt.Sprint(c.method, c.status), func(t *testing.T) {
			t.Parallel()
			n := 0
			s := serveApp(t, func(w http.ResponseWriter, _ *http.Request) {
				if n++; n == 1 {
					w.WriteHeader(c.status)
				}
				fmt.Fprint(w, `{}`)
			})
			got := callAPI(t, configureApp(t, s.URL), "", c.method, "/segments/1", "--retries", "3")
			if got.code != c.code || n != c.asked {
				t.Errorf("%+v after %d requests", got, n)
			}
		})
	}
}

// TestAnswersThatDoNotEnd: one that drips is ended by the time-out, and so is one that takes over the connection.
func TestAnswersThatDoNotEnd(t *testing.T) {
	leavesNothing(t)
	s := serveApp(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/switch") {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the other side ends
			conn.Close()
			return
		}
		for r.Context().Err() == nil {
			fmt.Fprint(w, "{")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	file := configureApp(t, s.URL)
	for path, want := range map[string]string{
		"/drip": "broke off: no answer in time", "/switch": "answer 101 with a body that is not Customer.io's",
	} {
		began := time.Now()
		got := callAPI(t, file, "", "POST", path, "--timeout", "200ms")
		want += "; the request may have been carried out"
		if took := time.Since(began); got.code != exit.CustomerIO || !strings.Contains(got.err, want) ||
			got.out != "" || took > 5*time.Second {
			t.Errorf("%s: %+v after %s", path, got, took)
		}
	}
}

func TestPages(t *testing.T) {
	leavesNothing(t)
	round := false
	s := serveApp(t, func(w http.ResponseWriter, r *http.Request) {
		switch start := r.URL.Query().Get("start"); {
		case start == "":
			fmt.Fprint(w, `{"ids":["1"],"next":"a&b"}`)
		case start == "a&b":
			fmt.Fprint(w, "{\"ids\":[\"2\"],\"next\":9007199254740993}\n")
		case start != "9007199254740993":
			http.Error(w, "another page", http.StatusBadRequest)
		case round:
			fmt.Fprint(w, `{"next":"a&b"}`)
		default:
			fmt.Fprint(w, `{"ids":null,"next":""}`)
		}
	})
	file := configureApp(t, s.URL)
	args := []string{"GET", "/segments/4/membership", "-q", "limit=1", "--paginate"}
	got := callAPI(t, file, "", args...)
	if got.code != exit.OK || got.out != `{"ids":["1"],"next":"a&b"}`+"\n"+`{"ids":["2"],"next":9007199254740993}`+"\n"+
		`{"ids":null,"next":""}`+"\n" {
		t.Errorf("%+v", got)
	}
	if last := s.asked[1]; !strings.HasPrefix(last, "GET /v1/segments/4/membership?start=a%26b&limit=1 ") {
		t.Error(last)
	}
	round = true
	if got := callAPI(t, file, "", args...); got.code != exit.CustomerIO || !strings.Contains(got.err, "in a circle") {
		t.Errorf("%+v", got)
	}
}

func TestDebugTellsNoCredentials(t *testing.T) {
	leavesNothing(t)
	s := serveApp(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"a":1}`) })
	got := callAPI(t, configureApp(t, s.URL), "", "POST", "/segments", "-d", "{}", "-H", "X-Request-Id: r7", "--debug")
	for _, want := range []string{"> POST " + s.URL + "/v1/segments, attempt 1, 2 bytes", "> X-Request-Id: r7",
		"> Authorization: ***", "< answer 200, meaning accepted", "7 bytes"} {
		if !strings.Contains(got.err, want) {
			t.Errorf("no %q in\n%s", want, got.err)
		}
	}
	if strings.Contains(got.err+got.out, secretKey) || got.out != `{"a":1}` {
		t.Errorf("%+v", got)
	}
}

// TestTrackOfTheEmulator asks what a real workspace of Track answers.
func TestTrackOfTheEmulator(t *testing.T) {
	leavesNothing(t)
	s := httptest.NewServer(emulator.New(emulator.Options{Region: "eu"}))
	defer s.Close()
	file := configureApp(t, s.URL)
	if got := callAPI(t, file, "", "GET", "/accounts/region", "--api", "track"); got.code != exit.OK ||
		!strings.Contains(got.out, `"eu"`) {
		t.Errorf("%+v", got)
	}
	got := callAPI(t, file, "", "PUT", "/customers/a%2Fb", "--api", "track", "-d", `{"plan":"pro"}`)
	if got.code != exit.OK || strings.TrimSpace(got.out) != "{}" {
		t.Errorf("%+v", got)
	}
	got = callAPI(t, file, "", "POST", "/batch", "--api", "track", "-d", `{"batch":[
		{"type":"person","action":"identify","identifiers":{"id":"7"},"attributes":{}}, {"type":"none"}]}`)
	if got.code != exit.Input || !strings.Contains(got.out, `"batch_index":1`) {
		t.Errorf("a batch of which a part is refused: %+v", got)
	}
	got = callAPI(t, file, "", "POST", "/customers/7/events", "--api", "track", "-d", `{}`)
	if got.code != exit.Input || !strings.Contains(got.out, "meta") {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsTypedWrong(t *testing.T) {
	leavesNothing(t)
	s := serveApp(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	file := configureApp(t, s.URL)
	for want, args := range map[string][]string{
		"want a method and a path":                   {"GET"},
		"the method is none of":                      {"FETCH", "/x"},
		`did you mean "app"?`:                        {"GET", "/x", "--api", "ap"},
		"is a URL: want a path":                      {"GET", "https://evil.example/v1/x"},
		"has a step in it":                           {"GET", "/customers/../x"},
		"--query a: want name=value":                 {"GET", "/x", "-q", "a"},
		"the configuration has what authorises":      {"GET", "/x", "-H", "Authorization: Bearer x"},
		"--header Host: is not among":                {"GET", "/x", "-H", "Host: evil.example"},
		"--header X-Request-Id: the value has":       {"GET", "/x", "-H", "X-Request-Id: a\rb"},
		"--data: is no JSON":                         {"POST", "/x", "-d", "{"},
		"--data: open":                               {"POST", "/x", "-d", "@/nowhere"},
		"give either --data or a form":               {"POST", "/x", "-d", "{}", "--form", "a=b"},
		"a form has a type of its own":               {"POST", "/x", "-H", "Content-Type: a/b", "--form", "a=b"},
		"--file a=b: want name=@FILE":                {"POST", "/x", "--file", "a=b"},
		"a GET has no body":                          {"GET", "/x", "-d", "{}"},
		"what is none needs a Content-Type":          {"POST", "/x", "-H", "content-type: application/json", "-d", "{"},
		"--header x-request-id: is given twice":      {"GET", "/x", "-H", "X-Request-Id: a", "-H", "x-request-id: b"},
		"a DELETE gives no pages":                    {"DELETE", "/x", "--paginate"},
		"--timeout 0s: want":                         {"GET", "/x", "--timeout", "0s"},
		"--retries -1: want":                         {"GET", "/x", "--retries", "-1"},
		"has no customerio.workspaces":               {"GET", "/x", "--workspace", "us"},
		"no such file":                               {"GET", "/x", "-c", "testdata/none.yaml"},
		"has a line break or another control charac": {"GET", "/x\r\ny"},
	} {
		if got := callAPI(t, file, "", args...); got.code != exit.Input || !strings.Contains(got.err, want) {
			t.Errorf("%q: %+v, want %q", args, got, want)
		}
	}
}

func TestKeysThatAreNotThere(t *testing.T) {
	leavesNothing(t)
	s := serveApp(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was made") })
	file := configureApp(t, s.URL)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	without := strings.Replace(string(text), "app_key_file", "write_key_env", 1)
	without = strings.Replace(without, "write_key_env", "app_key_env", 1)
	if err := os.WriteFile(file, []byte(without), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := callAPI(t, file, "", "GET", "/x"); got.code != exit.Credentials {
		t.Errorf("%+v", got)
	}
	lines := strings.Split(string(text), "\n")
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "app_key_file: "+filepath.Dir(file)+"/app,", "")
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := callAPI(t, file, "", "GET", "/x"); got.code != exit.Input ||
		!strings.Contains(got.err, "customerio.app_key_file: is missing") {
		t.Errorf("%+v", got)
	}
}
