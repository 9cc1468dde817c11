package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/internal/containertest"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/mapping/ruletest"
)

// A block is a fenced block of the README, or of another document. What a block of shell commands is expected to print
// is the block of text behind it.
type block struct {
	line     int
	heading  string
	language string
	text     string
	want     []string
}

// The section of the README that needs Docker.
const dockerSection = "On real brokers"

func readmeBlocks(t *testing.T) []block { return blocksOf(t, "../../README.md") }

func blocksOf(t *testing.T, path string) []block {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	var open *block
	heading := ""
	for i, line := range strings.Split(string(text), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			open = &block{line: i + 1, heading: heading, language: fence}
		case isFence:
			blocks = append(blocks, *open)
			if n := len(blocks); n > 1 && open.language == "text" && blocks[n-2].language == "sh" {
				blocks[n-2].want = strings.Split(strings.TrimSpace(open.text), "\n")
			}
			open = nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "## "):
			heading = line[3:]
		}
	}
	if len(blocks) == 0 || open != nil {
		t.Fatalf("%s has no blocks, or one without an end", path)
	}
	return blocks
}

// The README's commands run as they stand, in order, in one folder.
func TestReadmeCommands(t *testing.T) {
	beside(t)
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "config"), os.DirFS("../../config")); err != nil {
		t.Fatal(err)
	}
	runReadme(t, dir, 30*time.Second, func(b block) bool { return b.heading != dockerSection })
}

// The walk of the README on real brokers builds images, and it ends the services of docker-compose.yml, which others
// may be using: it runs only where it is asked for.
func TestReadmeWalkOnRealBrokers(t *testing.T) {
	if os.Getenv("CIOBRIDGE_COMPOSE") != "1" {
		t.Skip("set CIOBRIDGE_COMPOSE=1 to build the images and walk through the README")
	}
	containertest.NeedDocker(t)
	dir := t.TempDir()
	shell(t, dir, `tar -C "$1" --exclude=.git --exclude=ciobridge-demo -cf - . | tar -xf -
		git init -q . && git add config && git -c user.name=t -c user.email=t@example.com commit -q -m before`, root(t))
	t.Setenv("PATH", natsTool(t)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the services said last:\n%s", shell(t, dir, "docker compose logs --tail 40 || true"))
		}
		shell(t, dir, "docker compose down --volumes")
	})
	runReadme(t, dir, 2*time.Minute, func(b block) bool { return b.heading == dockerSection })
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// natsTool is a folder with the NATS command line, or with a stand-in for what the README uses of it.
func natsTool(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("nats"); err == nil {
		return filepath.Dir(path)
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "./testdata/nats")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

func runReadme(t *testing.T, dir string, limit time.Duration, chosen func(block) bool) {
	ran := 0
	var staying *shellRun
	heading := ""
	for _, b := range readmeBlocks(t) {
		if b.heading != heading && staying != nil {
			staying.interrupt(t)
			staying = nil
		}
		heading = b.heading
		if b.language != "sh" || !chosen(b) {
			continue
		}
		ran++
		if strings.HasSuffix(strings.TrimSpace(b.text), " demo") {
			staying = startShell(t, dir, b.text)
			eventually(t, fmt.Sprintf("README line %d prints what it should", b.line), limit, func() bool {
				return printed(staying.out.String(), b.want)
			})
			continue
		}
		b.run(t, dir, limit)
	}
	if ran < 5 {
		t.Errorf("only %d blocks ran", ran)
	}
}

// run runs a block. One that waits for others to do their part is run again until it prints what it should.
func (b block) run(t *testing.T, dir string, limit time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		r := startShell(t, dir, b.text)
		err := r.cmd.Wait()
		if err == nil && printed(r.out.String(), b.want) {
			return
		}
		if len(b.want) == 0 || time.Now().After(deadline) {
			t.Fatalf("line %d: %v, want %q\n%s\n%s", b.line, err, b.want, b.text, r.out)
		}
	}
}

// printed looks for the lines in their order. In them … stands for anything, and a space for any space.
func printed(out string, want []string) bool {
	for _, line := range want {
		pattern := regexp.QuoteMeta(strings.Join(strings.Fields(line), " "))
		pattern = strings.ReplaceAll(strings.ReplaceAll(pattern, "…", ".*"), " ", `[ \t]+`)
		place := regexp.MustCompile(pattern).FindStringIndex(out)
		if place == nil {
			return false
		}
		out = out[place[1]:]
	}
	return true
}

// The README's configurations and rules are read by the program without complaint, and its rules pass their tests.
func TestReadmeConfigurations(t *testing.T) {
	var kinds []string
	for _, b := range readmeBlocks(t) {
		name := fmt.Sprintf("README.md line %d", b.line)
		switch {
		case b.language != "yaml":
		case strings.HasPrefix(b.text, "rules:"):
			kinds = append(kinds, "rules")
			file, err := rulefile.Parse(name, []byte(b.text))
			if err != nil {
				t.Fatal(err)
			}
			rules, err := mapping.Compile(mapping.Config{Rules: file.Rules})
			if err != nil {
				t.Fatal(err)
			}
			if w := rules.Warnings(); len(w) > 0 {
				t.Errorf("%s: %v", name, w)
			}
			for _, r := range ruletest.Run(rules, file.Tests, "") {
				if len(r.Diffs) > 0 {
					t.Errorf("%s: %s: %v", name, r.Name, r.Diffs)
				}
			}
		default:
			kinds = append(kinds, "configuration")
			c, err := config.Parse(name, []byte(b.text))
			if err == nil {
				err = c.Validate()
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	if slices.Sort(kinds); !slices.Equal(slices.Compact(kinds), []string{"configuration", "rules"}) {
		t.Errorf("the README shows %v", kinds)
	}
}
