package mapping_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each archive in testdata holds rules.yaml, perhaps config.yaml, and messages NAME.json with perhaps NAME.headers
// and NAME.key beside them. What they become, or the mistakes in the rules, is in the archive's last file, want.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("found %v, %v", names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := &archive.Files[len(archive.Files)-1]
			if want.Name != "want" {
				t.Fatal("the last file must be want")
			}
			got := golden(t, archive)
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(want.Data) {
				t.Errorf("got\n%s\nwant\n%s", got, want.Data)
			}
		})
	}
}

// writtenConfig is a configuration as YAML has it.
type writtenConfig struct {
	Topics      []rulefile.Topic
	Rules       []rulefile.Rule
	OnUnmatched mapping.Policy `yaml:"on_unmatched"`
	OnInvalid   mapping.Policy `yaml:"on_invalid"`
	Allow       []string
	ReservedIDs customerio.ReservedIDs `yaml:"reserved_ids"`
}

func (w writtenConfig) config() mapping.Config {
	c := mapping.Config{OnUnmatched: w.OnUnmatched, OnInvalid: w.OnInvalid, Allow: w.Allow, ReservedIDs: w.ReservedIDs}
	for _, t := range w.Topics {
		c.Topics = append(c.Topics, mapping.Topic(t))
	}
	for _, r := range w.Rules {
		c.Rules = append(c.Rules, mapping.Rule(r))
	}
	return c
}

func golden(t *testing.T, archive *txtar.Archive) string {
	rules, messages, err := goldenRules(archive)
	if err != nil {
		return err.Error() + "\n"
	}
	var out strings.Builder
	for _, w := range rules.Warnings() {
		fmt.Fprintf(&out, "warning: %s\n", w)
	}
	for _, m := range messages {
		fmt.Fprintf(&out, "== %s\n", m.name)
		show(&out, rules, m.Message)
	}
	return out.String()
}

// A goldenMessage is a message of an archive, and its file's name.
type goldenMessage struct {
	name string
	event.Message
}

// goldenRules are the rules of an archive, and its messages.
func goldenRules(archive *txtar.Archive) (*mapping.Rules, []goldenMessage, error) {
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	var written writtenConfig
	if text := files["config.yaml"]; len(text) > 0 {
		if err := yamltree.Unmarshal("config.yaml", text, &written); err != nil {
			return nil, nil, err
		}
	}
	config := written.config()
	file, err := rulefile.Parse("rules.yaml", files["rules.yaml"])
	if err != nil {
		return nil, nil, err
	}
	config.Rules = append(config.Rules, file.Rules...)
	rules, err := mapping.Compile(config)
	if err != nil {
		return nil, nil, err
	}
	var messages []goldenMessage
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".json")
		if !ok {
			continue
		}
		m := event.Message{Origin: event.Origin{Topic: "shop.orders", Offset: int64(len(messages))}, Value: f.Data,
			Time: time.UnixMilli(1_790_000_000_123)}
		for _, line := range strings.Split(strings.TrimSpace(string(files[name+".headers"])), "\n") {
			if key, value, ok := strings.Cut(line, ": "); ok {
				m.Headers = append(m.Headers, event.Header{Key: key, Value: []byte(value)})
			}
		}
		if key, ok := files[name+".key"]; ok {
			m.Key = bytes.TrimSpace(key)
		}
		messages = append(messages, goldenMessage{name, m})
	}
	return rules, messages, nil
}

func show(out *strings.Builder, rules *mapping.Rules, m event.Message) {
	got := rules.Explain(m)
	calls, failures := rules.Map(&m)
	if readable(got.Calls)+fmt.Sprint(got.Failures) != readable(calls)+fmt.Sprint(failures) {
		fmt.Fprintf(out, "what is explained is not what is mapped: %+v %+v\n", got.Calls, got.Failures)
	}
	for _, c := range calls {
		fmt.Fprintf(out, "%s %s/%s lanes=%d\n", c.ID, c.Step.Rule, c.Step.Call, len(c.Lanes))
		if c.Single != nil {
			fmt.Fprintf(out, "%s %s\n", c.Single.Method, c.Single.Path)
			if raw := c.Single.Raw; raw != nil {
				fmt.Fprintf(out, "to %d, once %t, %v %+v\n", c.Single.Destination, c.Step.Once, raw.Header,
					*raw.RawStep)
			}
		}
		fmt.Fprintf(out, "%s\n", c.Body)
	}
	for _, f := range failures {
		fmt.Fprintf(out, "! %s %s rule=%q call=%q field=%q: %s\n", f.ID, f.Reason, f.Rule, f.Call, f.Field, f.Detail)
	}
	for _, n := range got.Remarks {
		fmt.Fprintf(out, "~ %s\n", n)
	}
}

// readable writes calls with their requests, and not where those stand.
func readable(calls []event.Call) string {
	var b strings.Builder
	for _, c := range calls {
		var request event.Request
		if c.Single != nil {
			request, c.Single = *c.Single, nil
		}
		var raw event.Raw
		if request.Raw != nil {
			raw, request.Raw = *request.Raw, nil
		}
		fmt.Fprintf(&b, "%+v %+v %+v\n", c, request, raw)
	}
	return b.String()
}
