package customerio_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/openapitest"
)

type answering string

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(string(a))), Request: r}, nil
}

// What is asked before the first event keeps to Customer.io's OpenAPI documents, in both regions.
func TestProofsKeepToTheDocuments(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, region := range []customerio.Region{customerio.US, customerio.EU} {
		c := customerio.DefaultConfig()
		c.Region, c.SiteIDFile, c.APIKeyFile, c.AppKeyFile = region, file, file, file
		answer := answering(`{"url":"` + region.URL(customerio.TrackAPI) + `","region":"` + string(region) + `"}`)
		client, err := customerio.NewClient(c, 1, openapitest.New(t).Transport(t, answer))
		if err != nil {
			t.Fatal(err)
		}
		if err := client.Verify(t.Context()); err != nil {
			t.Errorf("%s: the Track key: %v", region, err)
		}
		if err := client.VerifyApp(t.Context()); err != nil {
			t.Errorf("%s: the App key: %v", region, err)
		}
		client.Close()
	}
}
