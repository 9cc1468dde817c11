package chromiumtest

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// What the environment says: a test that finds no Chromium fails where it is required, and screenshots are kept in a
// folder where one is named.
const (
	required = "CIOBRIDGE_REQUIRE_CHROMIUM"
	kept     = "CIOBRIDGE_SCREENSHOTS"
)

// limit is how long one step of the browser may take.
const limit = time.Minute

// Page is a page of a browser.
type Page struct {
	t       testing.TB
	to      *os.File
	from    *bufio.Reader
	session string
	calls   int
}

// Open starts a browser. It skips the test with a sentence where there is none.
func Open(t testing.TB) *Page {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	switch {
	case program == "" && os.Getenv(required) != "":
		t.Fatalf("there is no chromium in the path, and %s is set", required)
	case program == "":
		t.Skip("looks at pages in Chromium, which is not installed: Debian has it as chromium")
	}
	p := &Page{t: t}
	p.start(program)
	var target struct{ TargetID string }
	p.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	p.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	p.session = session.SessionID
	return p
}

// start runs the program, which reads commands from its file 3 and answers on its file 4.
func (p *Page) start(program string) {
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--user-data-dir="+p.t.TempDir(), "--remote-debugging-pipe")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		p.t.Fatalf("start %s: %v", program, err)
	}
	theirIn.Close()
	theirOut.Close()
	p.to, p.from = ourOut, bufio.NewReaderSize(ourIn, 1<<20)
	p.t.Cleanup(func() {
		p.session = ""
		p.send("Browser.close", nil)
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // however it ends
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
		}
		cancel()
		<-ended
		ourOut.Close()
		ourIn.Close()
	})
}

func (p *Page) send(method string, params any) {
	p.calls++
	message := map[string]any{"id": p.calls, "method": method}
	if params != nil {
		message["params"] = params
	}
	if p.session != "" {
		message["sessionId"] = p.session
	}
	text, err := json.Marshal(message)
	if err == nil {
		_, err = p.to.Write(append(text, 0))
	}
	if err != nil && p.session != "" {
		p.t.Fatalf("%s: %v", method, err)
	}
}

// call has the browser do something, and reads its answer.
func (p *Page) call(method string, params, result any) {
	p.t.Helper()
	p.send(method, params)
	overdue := time.AfterFunc(limit, func() { p.to.Close() }) // which ends the browser
	defer overdue.Stop()
	for {
		text, err := p.from.ReadBytes(0)
		if err != nil {
			p.t.Fatalf("%s: the browser has ended: %v", method, err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(text[:len(text)-1], &answer); err != nil {
			p.t.Fatalf("%s: %v", method, err)
		}
		switch {
		case answer.ID != p.calls: // an event
		case answer.Error != nil:
			p.t.Fatalf("%s: %s", method, answer.Error.Message)
		default:
			if result == nil {
				return
			}
			if err := json.Unmarshal(answer.Result, result); err != nil {
				p.t.Fatalf("%s: %v", method, err)
			}
			return
		}
	}
}

// Visit opens an address in a window of a size, in pixels.
func (p *Page) Visit(url string, width, height int) {
	p.t.Helper()
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height,
		"deviceScaleFactor": 1, "mobile": width < 600}, nil)
	p.call("Page.navigate", map[string]any{"url": url}, nil)
}

// Eval gives the value of an expression in the page, which may be a promise.
func (p *Page) Eval(expression string, into any) {
	p.t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Text string }
	}
	p.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true},
		&answer)
	if answer.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s", expression, answer.ExceptionDetails.Text)
	}
	if err := json.Unmarshal(answer.Result.Value, into); err != nil {
		p.t.Fatalf("%s: %v in %s", expression, err, answer.Result.Value)
	}
}

// Await waits until an expression is true in the page.
func (p *Page) Await(expression string) {
	p.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		ok := false
		// What is looked at may not be there yet.
		if p.Eval("(() => { try { return Boolean("+expression+") } catch { return false } })()", &ok); ok {
			return
		}
		if time.Now().After(deadline) {
			text := ""
			p.Eval("document.body.innerText", &text)
			p.t.Fatalf("never true: %s; the page says\n%s", expression, text)
		}
	}
}

// Fits fails the test where the page is wider than its window.
func (p *Page) Fits() {
	p.t.Helper()
	var width struct{ Page, Window int }
	p.Eval("({Page: document.documentElement.scrollWidth, Window: innerWidth})", &width)
	if width.Page > width.Window {
		p.t.Errorf("the page is %d pixels wide in a window of %d", width.Page, width.Window)
	}
}

// Screenshot keeps what is seen under a name, where CIOBRIDGE_SCREENSHOTS names a folder.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	folder := os.Getenv(kept)
	if folder == "" {
		return
	}
	var shot struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	picture, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
	}
	if err != nil {
		p.t.Fatal(fmt.Errorf("keep the screenshot %s: %w", name, err))
	}
}
