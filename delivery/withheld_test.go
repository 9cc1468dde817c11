package delivery_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/delivery"
	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// overtaken is a lease that runs out while its request is written.
type overtaken struct {
	context.Context
	over atomic.Bool
}

func (o *overtaken) Deadline() (time.Time, bool) {
	if o.over.Load() {
		return time.Now().Add(-time.Second), true
	}
	return time.Now().Add(time.Minute), true
}

// RoundTrip lets the lease run out and then reads the body, as the network does.
func (o *overtaken) RoundTrip(r *http.Request) (*http.Response, error) {
	o.over.Store(true)
	defer r.Body.Close()
	_, err := io.ReadAll(r.Body)
	return nil, err
}

// A request whose lease runs out while it is written was not made: nothing is counted against its calls or the
// destination.
func TestARequestOvertakenWhileItIsWritten(t *testing.T) {
	c := customerio.DefaultConfig()
	c.Region = customerio.EU
	c.SiteIDFile, c.APIKeyFile = filepath.Join(t.TempDir(), "site"), filepath.Join(t.TempDir(), "key")
	for _, file := range []string{c.SiteIDFile, c.APIKeyFile} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	lease := &overtaken{Context: t.Context()}
	client, err := customerio.NewClient(c, 1, lease)
	if err != nil {
		t.Fatal(err)
	}
	s := delivery.New([]delivery.Workspace{{Client: client, Config: c}}, canarytest.Logger(t), canarytest.Registry(t))
	for i, o := range s.Send(lease, makeCalls(3)) {
		if o.Result != 0 || o.Failure != nil || o.Suspect {
			t.Errorf("call %d: %+v, want an open outcome without an attempt", i, o)
		}
	}
	if state := s.State(); state.Condition != delivery.OK || !lease.over.Load() {
		t.Errorf("the destination is %+v", state)
	}
}
