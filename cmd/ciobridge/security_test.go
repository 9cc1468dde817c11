package main

import (
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// A thousand connections that never finish their request neither keep the admin server from answering nor hold much.
func TestAdminWithSlowClients(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	w := newWorld(t)
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	p := start(t, "run", "-c", path)
	eventually(t, "the admin server listens", 20*time.Second, func() bool { return p.adminAddr() != "" })
	admin := p.adminAddr()
	get(t, "http://"+admin+"/metrics")

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const clients = 1000
	for range clients {
		conn, err := net.Dial("tcp", admin)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(get(t, "http://"+admin+"/healthz"), "ok") {
		t.Error("not healthy beside slow clients")
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse+after.StackInuse) - int64(before.HeapInuse+before.StackInuse); grown > 40<<20 {
		t.Errorf("%d slow clients hold %d MiB", clients, grown>>20)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// Names that stand in events make no series: labels come from the configuration and from closed sets.
func TestEventsMakeNoSeries(t *testing.T) {
	w := newWorld(t)
	path := w.configure("{embedded: {dir: "+w.path("data")+`, listen: "127.0.0.1:0", start_at: earliest}}`,
		"{file: "+w.path("dead.jsonl")+"}")
	events := make([]string, 500)
	for i := range events {
		events[i] = fmt.Sprintf(`{"type":"made-up-%d","who":"made-up-person-%d"}`, i, i)
	}
	events = append(events, `{"type":"numbered","who":"made-up-person","seq":1,"pad":"made-up-pad"}`)
	w.publishTexts(events)
	p := start(t, "run", "-c", path)
	eventually(t, "the last event has arrived", 20*time.Second, func() bool { return len(w.cio.Receipts(0)) > 0 })
	if metrics := get(t, "http://"+p.adminAddr()+"/metrics"); strings.Contains(metrics, "made-up") ||
		!strings.Contains(metrics, `rule="numbered"`) {
		t.Error("the metrics name what stands in events, or no rule")
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// adminAddr is where the admin server listens, as the log tells; empty before that.
func (p *process) adminAddr() string {
	_, rest, _ := strings.Cut(p.log.String(), `"admin":"`)
	addr, _, _ := strings.Cut(rest, `"`)
	return addr
}
