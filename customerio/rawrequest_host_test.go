package customerio_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/rawrequest"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

// wire takes requests as a server would read them from the connection.
type wire struct {
	buffer bytes.Buffer
	got    *http.Request
	rest   int // bytes behind the request
	url    *url.URL
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.buffer.Reset()
	w.url = r.URL
	if err := r.Write(&w.buffer); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(&w.buffer)
	got, err := http.ReadRequest(reader)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, got.Body); err != nil {
		return nil, err
	}
	w.got, w.rest = got, reader.Buffered()+w.buffer.Len()
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func clientTo(t testing.TB, w http.RoundTripper) *customerio.Client {
	c := customerio.DefaultConfig()
	dir := t.TempDir()
	for name, file := range map[string]*string{
		"site": &c.SiteIDFile, "key": &c.APIKeyFile, "app": &c.AppKeyFile, "write": &c.WriteKeyFile,
	} {
		*file = filepath.Join(dir, name)
		if err := os.WriteFile(*file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.Region = customerio.EU
	client, err := customerio.NewClient(c, 1, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// targets are what rules may ask for, with the segments that the server has to see; an empty one is that of a value.
var targets = []struct {
	api      customerio.API
	template string
	host     string
	segments []string
	secret   string
}{
	{customerio.AppAPI, "/customers/{.a}/attributes", "api-eu.customer.io",
		[]string{"v1", "customers", "", "attributes"}, "Bearer app"},
	{customerio.AppAPI, "/v1/api/campaigns/{.a}/triggers/{.b}", "api-eu.customer.io",
		[]string{"v1", "campaigns", "", "triggers", ""}, "Bearer app"},
	{customerio.TrackAPI, "/v1/customers/{.a}", "track-eu.customer.io",
		[]string{"api", "v1", "customers", ""}, "Basic c2l0ZTprZXk="},
	{customerio.BetaAPI, "/v1/api/segments/{.a}/{.b}", "beta-api-eu.customer.io",
		[]string{"v1", "api", "segments", "", ""}, "Bearer app"},
	{customerio.PipelinesAPI, "/x/{.a}", "cdp-eu.customer.io", []string{"v1", "x", ""}, "Basic d3JpdGU6"},
}

var hostile = []string{
	"..", ".", "/", "\\", "%2e", "%2E", "%2f", "%5c", "%25", "%", "\r", "\n", "\r\n", "%0d%0a", "\x00", "@evil.example",
	"//evil.example/", "https://evil.example/", ":8080", "?", "&", "=", "#", ";", " ", "\t", "{", "}", "é", "\u2028",
	"\u2024", "\u2025", "\uff0e", "\uff0f", "\xc0\xae", "\xff", "a", "7", "api", "v1", "Host: evil.example",
	"Authorization: Bearer x",
	"Transfer-Encoding: chunked", "GET /v1/x HTTP/1.1\r\nHost: evil.example\r\n\r\n", "\u202e", "'", "\"", "*", "+",
	"~",
}

func text(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(5) {
		b.WriteString(hostile[r.IntN(len(hostile))])
	}
	return b.String()
}

// TestNoValueLeadsElsewhere fills paths, queries, headers and bodies with whatever events may hold, and reads what goes
// out as a server does: each request goes to the one host and the one path, with one authorisation, and nothing behind.
// How many it makes can be set by CIOBRIDGE_REQUESTS; it has passed with ten million.
func TestNoValueLeadsElsewhere(t *testing.T) {
	w := &wire{}
	client := clientTo(t, w)
	random := rand.New(rand.NewPCG(12, 27))
	made, refused := 0, 0
	requests := longtest.Either(5000, 2_000_000)
	if n, err := strconv.Atoi(os.Getenv("CIOBRIDGE_REQUESTS")); err == nil {
		requests = n
	}
	for range requests {
		if attempt(t, client, w, random) {
			made++
		} else {
			refused++
		}
		if t.Failed() {
			return
		}
	}
	if made < refused/20 || refused < made/20 {
		t.Errorf("%d requests were made and %d refused: the values are not what they should be", made, refused)
	}
}

func attempt(t *testing.T, client *customerio.Client, w *wire, random *rand.Rand) (made bool) {
	to := targets[random.IntN(len(targets))]
	template, query, expressions, err := rawrequest.ParseTemplate(to.api, to.template)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]string, len(expressions))
	for i := range values {
		values[i] = text(random)
	}
	written, err := template.Append(nil, values)
	if err != nil {
		return false
	}
	for range random.IntN(3) {
		query = append(query, rawrequest.Pair{Name: text(random), Value: text(random)})
	}
	header := http.Header{}
	for _, name := range []string{"X-Request-Id", "content-type", text(random), "Authorization", "Host"} {
		if value := text(random); rawrequest.CheckHeader(name) == "" && rawrequest.CheckHeaderValue(value) == "" {
			header[name] = []string{value}
		}
	}
	content := rawrequest.Content{Type: "application/json", Body: []byte(text(random))}
	r, err := rawrequest.New(to.api, "POST", string(written), query, header, content)
	if err != nil || rawrequest.CheckPairs(query) != nil {
		return false
	}
	if answer := client.Do(context.Background(), r); answer.Verdict != customerio.Accepted {
		t.Errorf("%q: %+v", r.Path, answer)
		return false
	}
	check(t, w, to.host, to.segments, values, to.secret)
	return true
}

func check(t *testing.T, w *wire, host string, segments, values []string, secret string) {
	t.Helper()
	asked, _, _ := strings.Cut(w.got.RequestURI, "?")
	if w.got.Host != host || w.url.Host != host || w.url.Scheme != "https" || w.rest != 0 {
		t.Errorf("%q went to %s, with %d bytes behind", asked, w.got.Host, w.rest)
	}
	parts := strings.Split(asked, "/")[1:]
	if len(parts) != len(segments) {
		t.Fatalf("%q has other segments than %q", asked, segments)
	}
	for i, segment := range segments {
		want := segment
		if segment == "" {
			want, values = values[0], values[1:]
		}
		if got, err := url.PathUnescape(parts[i]); err != nil || got != want {
			t.Errorf("%q: segment %d is %q, want %q", asked, i, got, want)
		}
	}
	if !slices.Contains(segments, "") {
		return
	}
	// as a proxy does that decodes before it looks at steps, even twice
	for range 3 {
		decoded, err := url.PathUnescape(asked)
		if err != nil {
			break
		}
		asked = decoded
		if clean := path.Clean(strings.ReplaceAll(asked, "\\", "/")); !strings.HasPrefix(clean,
			"/"+strings.Join(segments[:slices.Index(segments, "")], "/")+"/") {
			t.Errorf("%q becomes %q", w.got.RequestURI, clean)
		}
	}
	if got := w.got.Header["Authorization"]; len(got) != 1 || got[0] != secret {
		t.Errorf("authorised by %q", got)
	}
	for name := range w.got.Header {
		if !slices.Contains([]string{"Authorization", "User-Agent", "Content-Type", "Content-Length", "X-Request-Id",
			"X-Strict-Mode"}, name) {
			t.Errorf("the header %s was sent", name)
		}
	}
}

// TestTheClientHasTheLastWord: what it sends itself nobody else gives, also where a header was not looked at.
func TestTheClientHasTheLastWord(t *testing.T) {
	w := &wire{}
	client := clientTo(t, w)
	header := http.Header{}
	for _, name := range []string{"Authorization", "authorization", "Host", "User-Agent", "X-Strict-Mode",
		"Content-Length", "Transfer-Encoding"} {
		header[name] = []string{"evil"}
	}
	r := customerio.Request{Endpoint: customerio.Pipelines, Method: "POST", Path: "/v1/x", Body: [][]byte{[]byte("{}")},
		Calls: 1, Header: header}
	if answer := client.Do(t.Context(), r); answer.Verdict != customerio.Accepted {
		t.Fatalf("%+v", answer)
	}
	check(t, w, "cdp-eu.customer.io", []string{"v1", "x"}, nil, "Basic d3JpdGU6")
	for name, values := range w.got.Header {
		if len(values) != 1 || values[0] == "evil" {
			t.Errorf("%s: %q", name, values)
		}
	}
	if w.got.ContentLength != 2 || len(w.got.TransferEncoding) > 0 {
		t.Errorf("%d bytes, %v", w.got.ContentLength, w.got.TransferEncoding)
	}
}

// FuzzPath looks for a value that reaches another path than the one that was written.
func FuzzPath(f *testing.F) {
	for _, seed := range hostile {
		f.Add(seed, seed)
	}
	w := &wire{}
	client := clientTo(f, w)
	f.Fuzz(func(t *testing.T, first, second string) {
		to := targets[1]
		template, _, _, err := rawrequest.ParseTemplate(to.api, to.template)
		if err != nil {
			t.Fatal(err)
		}
		values := []string{first, second}
		written, err := template.Append(nil, values)
		if err != nil {
			return
		}
		r, err := rawrequest.New(to.api, "GET", string(written), nil, nil, rawrequest.Content{})
		if err != nil {
			return
		}
		client.Do(context.Background(), r)
		check(t, w, to.host, to.segments, values, to.secret)
	})
}

func TestHeaders(t *testing.T) {
	for name, want := range map[string]string{
		"accept": "", "X-Workspace-ID": "", "traceparent": "",
		"Authorization": "the configuration has what authorises", "authorization": "the configuration has",
		"Host": "is not among", "Content-Length": "is not among", "Transfer-Encoding": "is not among",
		"Cookie": "is not among", "X-Forwarded-Host": "is not among", "a: b\r\nX-Request-Id": "is not among",
		"X-Strict-Mode": "Pipelines is always asked", "": "is not among",
		"X-Request-Idd": `did you mean "x-request-id"`,
	} {
		if got := rawrequest.CheckHeader(name); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for value, fits := range map[string]bool{
		"": true, "a b; c=\"d\"": true, "a\r\nb": false, "a\tb": false, "é": false, "\x7f": false,
		strings.Repeat("a", 1000): true, strings.Repeat("a", 1001): false,
	} {
		if got := rawrequest.CheckHeaderValue(value); (got == "") != fits {
			t.Errorf("%.20q: %q", value, got)
		}
	}
}

func TestFormsWithFiles(t *testing.T) {
	fields := []rawrequest.Pair{{Name: "a", Value: "1 & 2"}, {Name: `b"c`, Value: "é"}}
	files := []rawrequest.File{{Field: "file", Name: "a\"\r\nb.csv", Type: "text/csv", Content: []byte("x,y\n")},
		{Field: "raw", Name: "z"}}
	body, kind, err := rawrequest.Multipart(fields, files)
	if err != nil {
		t.Fatal(err)
	}
	again, _, _ := rawrequest.Multipart(fields, files)
	if !bytes.Equal(body, again) {
		t.Error("the same form is written in two ways")
	}
	r := &http.Request{Method: "POST", Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(
		bytes.NewReader(body))}
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		t.Fatal(err)
	}
	if r.PostForm.Get("a") != "1 & 2" || len(r.MultipartForm.File) != 2 || len(r.MultipartForm.Value) != 2 {
		t.Errorf("%+v", r.MultipartForm)
	}
	file, header, err := r.FormFile("file")
	if err != nil || header.Header.Get("Content-Type") != "text/csv" {
		t.Fatalf("%v %v", header, err)
	}
	if content, _ := io.ReadAll(file); string(content) != "x,y\n" {
		t.Errorf("%q", content)
	}
	for _, name := range []string{`a\`, `a\"; name="x`, "a\x00\x7f"} {
		body, _, err := rawrequest.Multipart(nil, []rawrequest.File{{Field: "f", Name: name}})
		_, header, _ := strings.Cut(string(body), "Content-Disposition: ")
		header, _, _ = strings.Cut(header, "\r\n")
		_, params, errParse := mime.ParseMediaType(header)
		if err != nil || errParse != nil || len(params) != 2 || params["name"] != "f" {
			t.Errorf("%q is written %s: %v %v", name, header, err, errParse)
		}
	}
	if _, _, err := rawrequest.Multipart(nil, []rawrequest.File{{Field: "a", Type: "a\r\nb: c"}}); err == nil {
		t.Error("a type with a line break is taken")
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	body := rawrequest.Content{Type: "application/json", Body: []byte("{}")}
	for want, err := range map[string]error{
		"a GET has no body":     second(rawrequest.New(customerio.AppAPI, "GET", "/v1/x", nil, nil, body)),
		"the method is none of": second(rawrequest.New(customerio.AppAPI, "CONNECT", "/v1/x", nil, nil, body)),
		"are longer than 8000 b": second(rawrequest.New(customerio.AppAPI, "GET", "/"+strings.Repeat("a", 8000), nil,
			nil, rawrequest.Content{})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func second(_ customerio.Request, err error) error { return err }
