package delivery_test

import (
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

func TestADestinationThatStumblesHasALineAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			return reply([]int{500, 200}[n%2], "")
		})
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			sendUntilDelivered(t.Context(), r.Sender, makeCalls(2))
			time.Sleep(time.Second)
		}
		if stumbled := r.failed(500); stumbled < 150 {
			t.Fatalf("the destination failed only %d times", stumbled)
		}
		if n := len(r.messages()); n < 18 || n > 22 {
			t.Errorf("%d lines in ten minutes, want a pair a minute", n)
		}
	})
}

func TestAnOutageRightAfterAStumbleIsAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		statuses := []int{500, 200, 500, 500, 500, 500, 200}
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response,
			error) {
			return reply(statuses[n], "")
		})
		for range 2 {
			sendUntilDelivered(t.Context(), r.Sender, makeCalls(2))
		}
		want := []string{
			"warn: customer.io fails, waiting", "info: customer.io answers again",
			"warn: customer.io fails, waiting", "info: customer.io answers again",
		}
		if got := r.messages(); !reflect.DeepEqual(got, want) {
			t.Errorf("log %q, want %q", got, want)
		}
	})
}

// A cause that joins while the destination fails is named once, since it may be the one that somebody has to mend.
func TestACauseThatJoinsAnOutageIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		statuses := []int{500, 500, 500, 429, 500, 429, 500, 200}
		r := newRig(t, func(n int, _ request, _ *http.Request) (*http.Response, error) {
			return reply(statuses[n], "")
		})
		sendUntilDelivered(t.Context(), r.Sender, makeCalls(2))
		want := []string{
			"warn: customer.io fails, waiting", "warn: customer.io fails, waiting", "info: customer.io answers again",
		}
		if got := r.messages(); !reflect.DeepEqual(got, want) {
			t.Errorf("log %q, want %q", got, want)
		}
	})
}
