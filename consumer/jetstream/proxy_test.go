package jetstream

import (
	"net"
	"sync"
	"testing"
)

// proxy passes connections on to a server, and can hold back what flows.
type proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup

	mu    sync.Mutex
	sent  func(data []byte) // see watch; nil without one
	gate  chan struct{}     // closed while data flows
	conns []net.Conn
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, gate: make(chan struct{})}
	close(p.gate)
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

func (p *proxy) url() string { return "nats://" + p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		sent := p.sent
		p.mu.Unlock()
		p.running.Go(func() { p.pass(in, out, sent) })
		p.running.Go(func() { p.pass(out, in, nil) })
	}
}

func (p *proxy) pass(from, to net.Conn, sent func([]byte)) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		gate := p.gate
		p.mu.Unlock()
		<-gate
		if sent != nil {
			sent(buf[:n])
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// watch has sent called with what clients send before it is passed on, on connections that are made from now on. It
// may block.
func (p *proxy) watch(sent func(data []byte)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = sent
}

// stall holds everything back from now on, in both directions.
func (p *proxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate = make(chan struct{})
}

// flow lets everything pass that was held back.
func (p *proxy) flow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.gate)
}

// dropNewest breaks the connection that was made last.
func (p *proxy) dropNewest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[len(p.conns)-1].Close()
}

func (p *proxy) close() {
	p.listener.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		c.Close()
	}
	select {
	case <-p.gate:
	default:
		close(p.gate)
	}
	p.mu.Unlock()
	p.running.Wait()
}
