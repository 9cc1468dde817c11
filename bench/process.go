package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a child whose lines can be read and whose use of the machine is measured.
type process struct {
	name  string
	cmd   *exec.Cmd
	lines chan string // what it prints, closed at its end
	errs  *tail
	done  chan struct{} // closed when it has ended and err is set
	err   error
}

const stopTimeout = 30 * time.Second

// startRole starts this program again in another role.
func startRole(name string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the bench program: %w", err)
	}
	return start(name, exec.Command(self, append([]string{name}, args...)...))
}

func start(name string, cmd *exec.Cmd) (*process, error) {
	p := &process{name: name, cmd: cmd, lines: make(chan string, 16), errs: &tail{}, done: make(chan struct{})}
	cmd.Stderr = p.errs
	if _, err := cmd.StdinPipe(); err != nil { // held open until the child ends, so that it can see when we are gone
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			select {
			case p.lines <- sc.Text():
			default: // a talkative child must not be held up by nobody listening
			}
		}
		close(p.lines)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// line waits for the next line that the process prints.
func (p *process) line(ctx context.Context) (string, error) {
	select {
	case s, ok := <-p.lines:
		if !ok {
			<-p.done
			return "", p.failure("ended early")
		}
		return s, nil
	case <-ctx.Done():
		return "", p.failure(context.Cause(ctx).Error())
	}
}

// stop asks the process to end, waits for it and says what it used over its whole life.
func (p *process) stop() (cpu time.Duration, err error) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.done
		return 0, p.failure(fmt.Sprintf("did not stop within %s", stopTimeout))
	}
	if p.err != nil {
		return 0, p.failure("ended with " + p.err.Error())
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) failure(what string) error {
	if said := p.errs.String(); said != "" {
		return fmt.Errorf("%s %s; it said last:\n%s", p.name, what, said)
	}
	return fmt.Errorf("%s %s", p.name, what)
}

var errNoProc = errors.New("what a process uses while it runs can be read on Linux only")

// peakRSS is the most memory, in bytes, that the process has had so far. The figure of getrusage will not do: a child
// inherits its parent's peak.
func (p *process) peakRSS() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, errNoProc
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.ParseInt(kib, 10, 64)
	if err != nil {
		return 0, errNoProc
	}
	return n << 10, nil
}

// cpuSoFar is the processor time that the process has used until now, to a hundredth of a second.
func (p *process) cpuSoFar() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, errNoProc
	}
	const tick = 10 * time.Millisecond // on every architecture that Go runs on
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 13 {
		return 0, errNoProc
	}
	user, userErr := strconv.ParseInt(fields[11], 10, 64)
	system, systemErr := strconv.ParseInt(fields[12], 10, 64)
	if userErr != nil || systemErr != nil {
		return 0, errNoProc
	}
	return time.Duration(user+system) * tick, nil
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const tailSize = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(b)
	if over := t.buf.Len() - tailSize; over > 0 {
		t.buf.Next(over)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.buf.String())
}
