package lines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/erasure"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/place"
	"github.com/ciobridge/ciobridge/ledger"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
	"github.com/ciobridge/ciobridge/report"
	"github.com/ciobridge/ciobridge/source"
	"github.com/ciobridge/ciobridge/webhook"
)

// stdin is the path that stands for standard input.
const stdin = "-"

// Section reads the lines of a file.
type Section struct {
	// Path is the file, or - for standard input. One whose name ends in .gz is unpacked.
	Path string `yaml:"path"`
	// Name stands where other sources have the name of a topic: in rules, metrics and dead letters, and in the
	// identity of events that have no id of their own. It is the file's name where nothing is said.
	Name     string            `yaml:"name"`
	Envelope rulefile.Envelope `yaml:"envelope"`
	OnNull   mapping.Policy    `yaml:"on_null,lower"`
}

// Kind implements source.Section.
func (*Section) Kind() string { return "lines" }

// Ends implements source.Section.
func (*Section) Ends() bool { return true }

// name is what stands for the name of a topic.
func (s *Section) name() string {
	if s.Path == stdin {
		return cmp.Or(s.Name, "stdin")
	}
	return cmp.Or(s.Name, filepath.Base(s.Path))
}

// Names implements source.Section.
func (s *Section) Names() []string { return []string{s.name()} }

// Topics implements source.Section.
func (s *Section) Topics() []mapping.Topic {
	if s.Path == "" {
		return nil
	}
	return []mapping.Topic{{Name: s.name(), Envelope: mapping.Envelope(s.Envelope), OnNull: s.OnNull,
		Pos: mapping.Position{Path: "lines"}}}
}

// Validate implements source.Section.
func (s *Section) Validate() error {
	if s.Path == "" {
		return mistake.Of("path: is missing: name a file that holds an event a line, or give - for standard input")
	}
	return nil
}

// Reads implements source.Section: there are no topics and no subjects.
func (*Section) Reads(string) bool { return false }

// onlyFile reports the first key whose place needs a broker.
func onlyFile(places ...[2]string) error {
	for _, p := range places {
		if p[1] != "" {
			return mistake.Of("%s: needs a broker, and source.lines has none: give file", p[0])
		}
	}
	return nil
}

// CheckLetters implements source.Section.
func (s *Section) CheckLetters(d deadletter.Config) error {
	if d.File != "" && filepath.Clean(d.File) == filepath.Clean(s.Path) {
		return mistake.Of("dead_letters.file: is what the source reads: give the dead letters a file of their own")
	}
	return onlyFile([2]string{"dead_letters.topic", d.Topic}, [2]string{"dead_letters.subject", d.Subject})
}

// CheckFences implements source.Section.
func (*Section) CheckFences(e erasure.Config) error {
	if e.ReportTo() != "" {
		key := "report_topic"
		if e.ReportSubject != "" {
			key = "report_subject"
		}
		return mistake.Of("%s: needs a broker, and source.lines has none: leave it out", key)
	}
	return onlyFile([2]string{"topic", e.Topic}, [2]string{"bucket", e.Bucket})
}

// Ledger implements source.Section: it is in a file beside that of the dead letters.
func (*Section) Ledger(l ledger.Config, d deadletter.Config) ledger.Config {
	if !l.Placed() {
		l.File = beside(d, ".ledger.jsonl")
	}
	return l
}

func beside(d deadletter.Config, ending string) string {
	return strings.TrimSuffix(d.File, filepath.Ext(d.File)) + ending
}

func checkPlace(p place.Settings) error {
	return onlyFile([2]string{"topic", p.Topic}, [2]string{"bucket", p.Bucket})
}

// CheckLedger implements source.Section.
func (*Section) CheckLedger(l ledger.Config, _ deadletter.Config) error {
	return checkPlace(l.Settings)
}

// CheckWebhooks implements source.Section.
func (*Section) CheckWebhooks(webhook.Config) error {
	return mistake.Of("listen: webhooks are published on a broker, and source.lines has none: leave them to a bridge " +
		"that reads one")
}

// ReportState implements source.Section: it is in a file beside that of the dead letters.
func (*Section) ReportState(r report.StateConfig, d deadletter.Config) report.StateConfig {
	if !r.Placed() {
		r.File = beside(d, ".reports.jsonl")
	}
	return r
}

// CheckReportState implements source.Section.
func (*Section) CheckReportState(r report.StateConfig) error { return checkPlace(r) }

// CheckReport implements source.Section.
func (*Section) CheckReport(to report.To) error {
	return onlyFile([2]string{"topic", to.Topic}, [2]string{"subject", to.Subject})
}

// Destination implements source.Section.
func (s *Section) Destination(source.Target) (event.Origin, error) {
	return event.Origin{}, errors.New("the source is a file or standard input: write the events there, one a line")
}

// Connect implements source.Section. It makes sure that the file can be read.
func (s *Section) Connect(context.Context, *zap.Logger) (source.Broker, error) {
	if s.Path != stdin {
		info, err := os.Stat(s.Path)
		if err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a folder", s.Path)
		}
		if err == nil && info.Mode().IsRegular() {
			err = readable(s.Path)
		}
		if err != nil {
			return nil, exit.With(exit.Input, fmt.Errorf("source.lines.path: %w", err))
		}
	}
	return &Broker{file{path: s.Path, name: s.name()}}, nil
}

func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// Reach implements source.Section.
func (s *Section) Reach(ctx context.Context, log *zap.Logger) (source.Broker, error) {
	return s.Connect(ctx, log)
}

// Passing implements source.Section: a file that cannot be read is a mistake.
func (*Section) Passing(error) bool { return false }

// ChecksFirst implements source.Section: Connect has looked.
func (*Section) ChecksFirst() bool { return false }
