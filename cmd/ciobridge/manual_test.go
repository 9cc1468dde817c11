package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// macros are what lines of manual pages may begin with, where they do not begin with text.
var macros = regexp.MustCompile(`^\.(TH|SH|TP|B|BR|I|br|nf|fi|PP)\b`)

// TestManualPages writes the manual pages and looks for each command and each flag of the program in them. Where groff
// is installed it must take them without a warning.
func TestManualPages(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man")
	if code := run(t.Context(), []string{"man", dir}, stdio{out: io.Discard, err: os.Stderr}); code != 0 {
		t.Fatalf("man ended with %d", code)
	}
	root := newRoot(stdio{}, &hangups{})
	root.InitDefaultVersionFlag()
	pages := expectPages(t, dir, root)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != pages || pages < 30 {
		t.Errorf("%d pages for %d commands, want one each and at least 30 (%v)", len(files), pages, err)
	}
	if groff, err := exec.LookPath("groff"); err == nil {
		args := append([]string{"-man", "-ww", "-z"}, files...)
		out, err := exec.CommandContext(t.Context(), groff, args...).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("groff: %v\n%s", err, out)
		}
	}
}

// expectPages looks at the page of a command and of those below it, and tells how many there must be.
func expectPages(t *testing.T, dir string, cmd *cobra.Command) int {
	t.Helper()
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	data, err := os.ReadFile(filepath.Join(dir, name+".1"))
	if err != nil {
		t.Error(err)
		return 1
	}
	text := strings.ReplaceAll(string(data), `\-`, "-")
	for line := range strings.Lines(text) {
		if (line[0] == '.' && !macros.MatchString(line)) || line[0] == '\'' {
			t.Errorf("%s: a line that roff takes for a request: %q", name, line)
		}
	}
	for line := range strings.Lines(cmd.LocalFlags().FlagUsages()) {
		if flag := regexp.MustCompile(`--[a-z-]+`).FindString(line); !strings.Contains(text, `\fB`+flag+`\fR`) {
			t.Errorf("%s: no word of the flag %s", name, flag)
		}
	}
	pages := 1
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			if see := ".BR " + strings.ReplaceAll(sub.CommandPath(), " ", "-") + " (1)"; !strings.Contains(text, see) {
				t.Errorf("%s: no word of the command %s", name, sub.Name())
			}
			pages += expectPages(t, dir, sub)
		}
	}
	return pages
}
