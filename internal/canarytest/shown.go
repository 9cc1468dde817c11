package canarytest

import (
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Logger is a log at its most talkative, whose lines are searched; they go to the other cores too. The test fails at
// its end where a line shows a canary.
func Logger(t TB, others ...zapcore.Core) *zap.Logger {
	found := &lines{}
	t.Cleanup(func() {
		t.Helper()
		found.mu.Lock()
		defer found.mu.Unlock()
		for _, line := range found.shown {
			Text(t, "the log", line)
		}
	})
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), found, zapcore.DebugLevel)
	return zap.New(zapcore.NewTee(append(others, core)...))
}

// lines keeps the lines that show a canary. A log may go on after its test has ended, which must then not be failed.
type lines struct {
	mu    sync.Mutex
	shown []string
}

func (l *lines) Write(line []byte) (int, error) {
	if canary.Match(line) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.shown = append(l.shown, string(line))
	}
	return len(line), nil
}

func (*lines) Sync() error { return nil }

// Registry is one whose metrics are searched when the test ends, as /metrics would show them.
func Registry(t TB) *prometheus.Registry {
	r := prometheus.NewRegistry()
	t.Cleanup(func() {
		t.Helper()
		families, err := r.Gather()
		if err != nil {
			t.Errorf("gather the metrics: %v", err)
		}
		var text strings.Builder
		for _, family := range families {
			if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
				t.Errorf("write the metrics of %s: %v", family.GetName(), err)
			}
		}
		Text(t, "a metric", text.String())
	})
	return r
}
