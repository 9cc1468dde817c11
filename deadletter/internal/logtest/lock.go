package logtest

import (
	"testing"
	"time"
)

// Patient takes a lock that may have to be waited for.
func Patient(t *testing.T) func(time.Time) {
	return func(until time.Time) { t.Logf("waits for %s", time.Until(until)) }
}
