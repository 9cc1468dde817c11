package customerio_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/rawrequest"
)

// A body that Customer.io would drop or refuse is told before it is sent, to the byte.
func TestBodiesAreHeldToTheSizesOfTheirPaths(t *testing.T) {
	bytes := func(n int) string { return strings.Repeat("x", n) }
	items := func(n int) string { return `{"batch":[{},"` + strings.Repeat("x", n-2) + `"]}` }
	for _, c := range []struct {
		api  customerio.API
		path string
		body func(n int) string
		most int
		item int
	}{
		{customerio.PipelinesAPI, "/v1/track", bytes, 32_000, 0},
		{customerio.PipelinesAPI, "/v1/identify", bytes, 32_000, 0},
		{customerio.PipelinesAPI, "/v1/batch", bytes, 500_000, 0},
		{customerio.PipelinesAPI, "/v1/batch", items, 32_000, 2},
		{customerio.TrackAPI, "/api/v2/entity", bytes, 32_000, 0},
		{customerio.TrackAPI, "/api/v2/batch", bytes, 500_000, 0},
		{customerio.TrackAPI, "/api/v2/batch", items, 32_000, 2},
	} {
		made := func(n int) error {
			_, err := rawrequest.New(c.api, "POST", c.path, nil, nil, rawrequest.Content{Body: []byte(c.body(n))})
			return err
		}
		if err := made(c.most); err != nil {
			t.Errorf("%s %s: %d bytes: %v", c.api, c.path, c.most, err)
		}
		var size *rawrequest.SizeError
		err := made(c.most + 1)
		if !errors.As(err, &size) || *size != (rawrequest.SizeError{Item: c.item, Size: c.most + 1, Most: c.most}) ||
			!strings.Contains(err.Error(), fmt.Sprintf("%d bytes; Customer.io takes %d", c.most+1, c.most)) {
			t.Errorf("%s %s: one byte more: %v", c.api, c.path, err)
		}
	}
	if _, err := rawrequest.New(customerio.AppAPI, "POST", "/v1/x", nil, nil,
		rawrequest.Content{Body: []byte(bytes(600_000))}); err != nil {
		t.Errorf("of a path without a limit: %v", err)
	}
}
