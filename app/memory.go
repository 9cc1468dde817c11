package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"

	"go.uber.org/zap"
)

// An event leaves some 50 bytes of garbage. Collecting it at an eighth of Go's default growth takes a third off the
// peak of memory; while the heap is small, that would be every few megabytes, and cost a twentieth of the processor's
// time.
const (
	collectAt = 12       // growth of the heap, in percent of what is live, at which garbage is collected
	smallHeap = 29 << 20 // bytes; a heap that is smaller may double before it is collected, but not past this
)

// collector chooses, after every collection, at which growth the next one begins.
type collector struct{ percent int }

// watch has choose called after each collection: what nothing refers to is finalized then.
func (c *collector) watch() {
	type mark struct{ c *collector }
	runtime.SetFinalizer(&mark{c}, func(m *mark) {
		m.c.choose()
		m.c.watch()
	})
}

func (c *collector) choose() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := collectAt
	if n := live[0].Value.Uint64(); n > 0 && n < smallHeap {
		percent = max(percent, min(100, int((smallHeap-n)*100/n)))
	}
	if percent > c.percent+5 || percent < c.percent-5 || percent == collectAt && c.percent != collectAt {
		debug.SetGCPercent(percent)
		c.percent = percent
	}
}

// LimitMemory sets how eagerly garbage is collected, and keeps the heap under nine tenths of the control group's
// memory, unless GOGC and GOMEMLIMIT say otherwise.
func LimitMemory(log *zap.Logger) {
	if os.Getenv("GOGC") == "" {
		(&collector{}).watch()
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || limit > 1<<50 { // "max", and what version 1 says for no limit
			return
		}
		debug.SetMemoryLimit(limit / 10 * 9)
		log.Info("memory limit taken from the control group", zap.Int64("bytes", limit/10*9))
		return
	}
}
