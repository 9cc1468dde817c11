package internal_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ciobridge/ciobridge/internal/canarytest"
)

// failing is a test that notes that it was failed.
type failing struct {
	failures []string
	cleanups []func()
}

func (*failing) Helper() {}

func (f *failing) Errorf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

func (f *failing) Cleanup(cleanup func()) { f.cleanups = append(f.cleanups, cleanup) }

type many []error

func (many) Error() string     { return "many" }
func (m many) Unwrap() []error { return m }

// hidden is an error whose text tells nothing of what it wraps.
type hidden struct{ error }

func (hidden) Error() string   { return "hidden" }
func (h hidden) Unwrap() error { return h.error }

// TestSearches: none of them is a search that cannot fail.
func TestSearches(t *testing.T) {
	text := func(s string) func(*failing) { return func(f *failing) { canarytest.Text(f, "a place", s) } }
	fault := func(err error) func(*failing) { return func(f *failing) { canarytest.Error(f, "a call", err) } }
	logged := func(fields ...zap.Field) func(*failing) {
		return func(f *failing) {
			core, seen := observer.New(zapcore.InfoLevel)
			log := canarytest.Logger(f, core)
			log.Debug("one", fields...)
			if log.Info("two"); seen.Len() != 1 {
				f.Errorf("the other core has %d lines", seen.Len())
			}
		}
	}
	metric := func(label string) func(*failing) {
		return func(f *failing) {
			v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "n"}, []string{"l"})
			canarytest.Registry(f).MustRegister(v)
			v.WithLabelValues(label).Inc()
		}
	}
	secret := errors.New(canarytest.Secret)
	for name, c := range map[string]struct {
		see  func(*failing)
		want string
	}{
		"a text":                  {text("a\nb: " + canarytest.Person + "\nc"), `behind "b: "`},
		"an address in capitals":  {text(strings.ToUpper(canarytest.Email)), "a place"},
		"hexadecimal":             {text(hex.EncodeToString([]byte(canarytest.Secret))), "a place"},
		"nothing":                 {text("people"), ""},
		"an error":                {fault(fmt.Errorf("get: %w", secret)), "a call"},
		"an error that is hidden": {fault(fmt.Errorf("get: %w", hidden{secret})), "a call: *errors.errorString"},
		"one of several errors":   {fault(hidden{many{errors.New("a"), secret}}), "a call: *errors.errorString"},
		"an error without":        {fault(errors.Join(errors.New("a"), hidden{errors.New("b")})), ""},
		"no error":                {fault(nil), ""},
		"a line at debug":         {logged(zap.String("who", canarytest.Person)), "the log"},
		"a line without":          {logged(zap.String("who", "a")), ""},
		"a metric":                {metric(canarytest.Email), "a metric"},
		"a metric without":        {metric("a"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := &failing{}
			c.see(f)
			for _, cleanup := range f.cleanups {
				cleanup()
			}
			if got := strings.Join(f.failures, "\n"); (got != "") != (c.want != "") || !strings.Contains(got, c.want) {
				t.Errorf("the test fails with %q, want %q", got, c.want)
			}
		})
	}
	for i := range 3 {
		hidden := base64.StdEncoding.EncodeToString([]byte("a:bcd"[:i] + canarytest.Secret))
		if _, found := canarytest.Shows(hidden); !found {
			t.Errorf("%s is not found", hidden)
		}
	}
}
