// Package clients_test lets Customer.io's own clients, unmodified and from their registries, call every method that
// they have against the emulator.
package clients_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/emulator/certificate"
)

// The clients are installed when the variable is set: with 1 a test is skipped where that cannot be done, and with
// require it fails.
const variable = "CIOBRIDGE_CLIENTS"

// The versions that the emulator is held to.
var (
	nodePackages = []string{"customerio-node@5.2.0", "@customerio/cdp-analytics-node@0.5.9"}
	pythonTrack  = []string{"customerio==3.2.0"}
	pythonCDP    = []string{"customerio-cdp-analytics==1.1.0"}
)

// served is an emulator that speaks TLS, as the clients insist on.
type served struct {
	*emulator.Server
	base, host, port string
	ca               string // the file with the authority to trust
}

func serve(t *testing.T, o emulator.Options) served {
	t.Helper()
	trusted, shown, err := certificate.Make([]string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := served{ca: filepath.Join(t.TempDir(), "ca.pem")}
	if err := os.WriteFile(s.ca, trusted, 0o600); err != nil {
		t.Fatal(err)
	}
	o.Region, o.KeepReceipts = "eu", -1
	s.Server = emulator.New(o)
	hs := httptest.NewUnstartedServer(s.Server)
	hs.TLS = &tls.Config{Certificates: []tls.Certificate{shown}}
	hs.StartTLS()
	t.Cleanup(hs.Close)
	s.base = hs.URL
	s.host, s.port, _ = net.SplitHostPort(strings.TrimPrefix(hs.URL, "https://"))
	return s
}

// unable skips the test with a sentence, or fails it where the clients are required.
func unable(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv(variable) == "require" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// install gets packages from their registry.
func install(t *testing.T, name string, args ...string) {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skipf("set %s=1 to install Customer.io's clients and let them talk to the emulator", variable)
	}
	if _, err := exec.LookPath(name); err != nil {
		unable(t, "there is no %s here", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		unable(t, "the clients cannot be installed: %s: %v\n%s", strings.Join(args, " "), err, last(out, 1000))
	}
}

// run lets a script talk to the emulator, and fails the test where the script fails.
func run(t *testing.T, environment []string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 80*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, last(out, 4000))
	}
	t.Logf("methods called: %s", bytes.TrimSpace(out))
}

func last(out []byte, n int) []byte { return out[max(0, len(out)-n):] }

// accounts fails the test where a request was refused, but for those that may be, and where other calls arrived than
// were made.
func (s served) accounts(t *testing.T, mayFail string, requests map[string]int, deliveries int) {
	t.Helper()
	for _, r := range s.Receipts(0) {
		if !r.Taken && (mayFail == "" || !strings.Contains(r.Error, mayFail)) {
			t.Errorf("%s %s was refused: %s\n%s", r.Method, r.Path, r.Error, r.Body)
		}
	}
	for api, least := range requests {
		if got := s.Stats().ByAPI[api]; got < least {
			t.Errorf("%d requests of %s arrived, want at least %d", got, api, least)
		}
	}
	if got := len(s.Deliveries()); got != deliveries {
		t.Errorf("%d messages were to be sent, want %d", got, deliveries)
	}
}

// person finds somebody by id.
func (s served) person(t *testing.T, id string) emulator.Person {
	t.Helper()
	for _, p := range s.People() {
		if p.ID == id {
			return p
		}
	}
	t.Fatalf("there is no person %q", id)
	return emulator.Person{}
}

func TestNodeClients(t *testing.T) {
	dir := t.TempDir()
	install(t, "npm", append([]string{
		"install", "--prefix", dir, "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts",
		"--loglevel=error",
	}, nodePackages...)...)
	s, paced := serve(t, emulator.Options{NoRateLimits: true}), serve(t, emulator.Options{})
	both := filepath.Join(t.TempDir(), "both.pem")
	concatenate(t, both, s.ca, paced.ca)
	run(t, []string{
		"BASE=" + s.base, "PACED=" + paced.base, "MODULES=" + filepath.Join(dir, "node_modules"),
		"NODE_EXTRA_CA_CERTS=" + both,
	}, "node", filepath.Join("testdata", "node.mjs"))
	// 7 messages, 2 broadcasts and a newsletter to one person each
	s.accounts(t, "", map[string]int{"track": 22, "app": 150, "pipelines": 9}, 10)
	if p := s.person(t, "node 1/2"); p.Email != "node@example.com" || p.Events != 3 || len(p.Devices) != 1 {
		t.Errorf("%+v", p)
	}
	if p := s.person(t, "cdp"); p.Events != 9 || len(p.Relationships) != 1 || len(p.AnonymousIDs) != 3 {
		t.Errorf("%+v", p)
	}
	paced.accounts(t, "over the rate", map[string]int{"app": 13}, 0)
}

func concatenate(t *testing.T, into string, files ...string) {
	t.Helper()
	var all []byte
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	if err := os.WriteFile(into, all, 0o600); err != nil {
		t.Fatal(err)
	}
}

func pip(t *testing.T, packages []string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	install(t, "python3", append([]string{
		"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore", "--target", dir,
	}, packages...)...)
	return dir
}

func TestPythonClient(t *testing.T) {
	dir := pip(t, pythonTrack)
	s := serve(t, emulator.Options{NoRateLimits: true})
	run(t, []string{"HOST=" + s.host, "PORT=" + s.port, "PYTHONPATH=" + dir, "REQUESTS_CA_BUNDLE=" + s.ca},
		"python3", filepath.Join("testdata", "client.py"))
	s.accounts(t, "wrong credentials", map[string]int{"track": 18, "app": 7}, 7)
	if p := s.person(t, "py 1/2"); p.Email != "py@example.com" || p.Events != 4 || len(p.Devices) != 1 {
		t.Errorf("%+v", p)
	}
}

func TestPythonPipelinesClient(t *testing.T) {
	dir := pip(t, pythonCDP)
	s := serve(t, emulator.Options{})
	run(t, []string{"BASE=" + s.base, "PYTHONPATH=" + dir, "REQUESTS_CA_BUNDLE=" + s.ca},
		"python3", filepath.Join("testdata", "pipelines.py"))
	s.accounts(t, "", map[string]int{"pipelines": 15}, 0)
	if p := s.person(t, "cdp py"); p.Events != 12 || len(p.AnonymousIDs) != 2 || len(p.Relationships) != 1 {
		t.Errorf("%+v", p)
	}
}
