package delivery_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/canarytest"
	"github.com/ciobridge/ciobridge/internal/openapitest"
	"github.com/ciobridge/ciobridge/landing"
)

// What Customer.io answered with 200 and ignored is counted once and told by its type, without anybody's name. What was
// there before the probe is not counted, and an outage of App is told once.
func TestCallsWithoutAnEffectAreTold(t *testing.T) {
	dir := t.TempDir()
	c := customerio.DefaultConfig()
	c.Region = customerio.US
	for path, text := range map[*string]string{
		&c.SiteIDFile: emulator.DefaultSiteID, &c.APIKeyFile: emulator.DefaultAPIKey,
		&c.AppKeyFile: emulator.DefaultAppKey,
	} {
		*path = filepath.Join(dir, text)
		if err := os.WriteFile(*path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		server := emulator.New(emulator.Options{})
		related := &relationships{next: server.Transport()}
		client, err := customerio.NewClient(c, 4, openapitest.New(t).Transport(t, related))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		send := func(item string) {
			t.Helper()
			body := []byte(`{"batch":[` + item + `]}`)
			answer := client.Do(t.Context(), customerio.Request{Endpoint: customerio.Batch, Method: http.MethodPost,
				Path: customerio.BatchPath, Body: [][]byte{body}, Calls: 1})
			if answer.Verdict != customerio.Accepted {
				t.Fatalf("%s: %s", item, answer)
			}
		}
		identify := func(who string, timestamp int64) string {
			return fmt.Sprintf(`{"type":"person","action":"identify","identifiers":{%s},"attributes":{"plan":"a"},`+
				`"timestamp":%d}`, who, timestamp)
		}
		now := time.Now().Unix()
		ann := `"id":"ann@canary"`
		send(identify(ann, now))
		send(identify(ann, now-100)) // ignored, before anybody looks
		send(fmt.Sprintf(objectItem, "identify", "acme"))
		time.Sleep(5 * time.Second)

		reg := canarytest.Registry(t)
		core, logged := observer.New(zapcore.InfoLevel)
		probe := landing.New(client, "", time.Minute, landing.NewMetrics(reg), canarytest.Logger(t, core))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); probe.Run(ctx) }()
		time.Sleep(90 * time.Second)
		if logged.Len() > 0 {
			t.Errorf("in a quiet workspace: %v", logged.All())
		}
		send(identify(ann, now-100))
		send(identify(ann, now-50))
		send(identify(`"cio_id":"0123456789"`, now+200))
		send(fmt.Sprintf(objectItem, "delete", "nothing"))
		related.fail()
		time.Sleep(3 * time.Minute)
		counted := func(want string) {
			t.Helper()
			err := testutil.GatherAndCompare(reg, strings.NewReader(want), "ciobridge_landing_failures_total")
			if err != nil {
				t.Error(err)
			}
		}
		const help = "# HELP ciobridge_landing_failures_total Entries of Customer.io's activity log about calls that " +
			"were taken and had no effect, from whomever they came. It is a sample, and every replica counts.\n" +
			"# TYPE ciobridge_landing_failures_total counter\n"
		counted(help + `ciobridge_landing_failures_total{type="_o:1:failed_attribute_change",workspace=""} 1` + "\n" +
			`ciobridge_landing_failures_total{type="_r:1:failed_attribute_change",workspace=""} 1` + "\n" +
			`ciobridge_landing_failures_total{type="failed_attribute_change",workspace=""} 1` + "\n" +
			`ciobridge_landing_failures_total{type="skipped_update",workspace=""} 2` + "\n")
		if logged.Len() != 4 || strings.Contains(fmt.Sprint(logged.All()), "canary") {
			t.Errorf("logged %v", logged.All())
		}
		if _, err := server.AddFault(emulator.Fault{Path: "/v1/object_types", Status: 403}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Minute)
		if logged.Len() != 4 {
			t.Errorf("where nobody may ask for the types of objects: %v", logged.All()[4:])
		}
		server.ClearFaults()
		if _, err := server.AddFault(emulator.Fault{Path: "/v1/activities", Status: 500}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		server.ClearFaults()
		time.Sleep(5 * time.Minute)
		if lines := logged.FilterMessageSnippet("activity log"); lines.Len() != 2 {
			t.Errorf("of an outage: %v", lines.All())
		}
		cancel()
		<-ended
	})
}

// objectItem is a call about an object of type 1.
const objectItem = `{"type":"object","action":"%s","identifiers":{"object_type_id":"1","object_id":"%s"}}`

// relationships tells of a failure of a relationship to an object of type 1, which the emulator knows none of.
type relationships struct {
	next   http.RoundTripper
	failed atomic.Pointer[string]
}

func (r *relationships) fail() {
	entry := fmt.Sprintf(`{"id":%q,"timestamp":%d}`, ulid.Make(), time.Now().Unix())
	r.failed.Store(&entry)
}

func (r *relationships) RoundTrip(request *http.Request) (*http.Response, error) {
	entry := r.failed.Load()
	if entry == nil || request.URL.Query().Get("type") != "_r:1:failed_attribute_change" {
		return r.next.RoundTrip(request)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"activities":[` + *entry + `],"next":""}`)), Request: request}, nil
}
