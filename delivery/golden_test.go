package delivery_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/openapitest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRequestsOfEveryAction holds the requests that the examples of all actions make, to the byte and in each region,
// to testdata/us.http and eu.http, and to the OpenAPI documents. A row of the table of operations without a request
// fails.
func TestRequestsOfEveryAction(t *testing.T) {
	examples := actionExamples(t)
	for _, region := range []customerio.Region{customerio.US, customerio.EU} {
		name := filepath.Join("testdata", string(region)+".http")
		want, err := os.ReadFile(name)
		if err != nil && !*update {
			t.Fatal(err)
		}
		taken := &capture{}
		synctest.Test(t, func(t *testing.T) {
			s := capturing(t, region, openapitest.New(t).Transport(t, taken))
			for i := range examples {
				fmt.Fprintf(&taken.text, "### %s\n", examples[i].Action)
				calls := exampleCalls(t, &examples[i])
				if got := count(s.Send(t.Context(), calls)); got.delivered != len(calls) {
					t.Errorf("%s: %+v", examples[i].Action, got)
				}
			}
		})
		got := taken.text.Bytes()
		for _, a := range customerio.Actions() {
			_, after, _ := bytes.Cut(got, []byte("### "+a.Operation().Name+"\n"))
			if bytes.HasPrefix(after, []byte("###")) || len(after) == 0 {
				t.Errorf("%s: no request of %s", region, a.Operation().Name)
			}
		}
		switch {
		case *update:
			if err := os.WriteFile(name, got, 0o644); err != nil {
				t.Fatal(err)
			}
		case !bytes.Equal(got, want):
			t.Errorf("%s is not what is sent; go test ./delivery -run TestRequestsOfEveryAction -update writes it:\n%s",
				name, got)
		}
	}
}

// capture notes requests and takes them all.
type capture struct{ text bytes.Buffer }

// RoundTrip answers 200.
func (c *capture) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&c.text, "%s %s\n", r.Method, r.URL)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if name != "User-Agent" { // which has the version
			fmt.Fprintf(&c.text, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
		}
	}
	fmt.Fprintf(&c.text, "\n%s\n\n", body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader("{}\n")), Request: r}, nil
}

// capturing is a Sender over a transport, with all credentials.
func capturing(t *testing.T, region customerio.Region, transport http.RoundTripper) *delivery.Sender {
	t.Helper()
	c := customerio.DefaultConfig()
	c.Region = region
	for file, text := range map[*string]string{
		&c.SiteIDFile: "site", &c.APIKeyFile: "track-key", &c.AppKeyFile: "app-key", &c.WriteKeyFile: "write-key",
	} {
		*file = filepath.Join(t.TempDir(), text)
		if err := os.WriteFile(*file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	client, err := customerio.NewClient(c, 4, transport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return delivery.New([]delivery.Workspace{{Client: client, Config: c}}, canarytest.Logger(t), canarytest.Registry(t))
}
