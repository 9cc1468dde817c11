package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const unit = "systemd/ciobridge.service"

// TestUnitHasNoRights looks for what keeps the service in its place, and asks systemd itself where it is installed.
func TestUnitHasNoRights(t *testing.T) {
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"DynamicUser=yes", "CapabilityBoundingSet=", "NoNewPrivileges=yes", "ProtectSystem=strict",
		"MemoryDenyWriteExecute=yes", "ExecReload=/bin/kill -HUP $MAINPID",
		"LoadCredential=site_id:/etc/ciobridge/site_id", "LoadCredential=api_key:/etc/ciobridge/api_key",
		"RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "LimitCORE=0", "UMask=0077",
	} {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("the unit has no line %s", line)
		}
	}

	out, err := exec.Command("systemd-analyze", "security", "--offline=true", unit).Output()
	if err != nil {
		t.Skipf("systemd-analyze cannot be asked: %v", err)
	}
	installed := filepath.Join(t.TempDir(), "ciobridge.service") // as it is where the program is installed
	self, err := os.Executable()
	if err == nil {
		err = os.WriteFile(installed, bytes.ReplaceAll(text, []byte("/usr/bin/ciobridge"), []byte(self)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", installed).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	m := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("systemd-analyze gives no level:\n%s", out)
	}
	if level, err := strconv.ParseFloat(string(m[1]), 64); err != nil || level > 2 {
		t.Errorf("exposure %s of 10, want 2.0 at most", m[1])
	}
}
