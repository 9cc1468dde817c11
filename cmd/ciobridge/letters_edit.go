package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/deadletter"
	"github.com/ciobridge/ciobridge/deadletter/replay"
	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/mapping/expr/document"
)

func newLettersEdit() *cobra.Command {
	var in config.Input
	var r replayFlags
	var out format
	var with string
	cmd := &cobra.Command{
		Use:   "edit letter",
		Short: "Replay one dead letter with a repaired value",
		Long: "Map a repaired value in place of the one that an open letter holds, and send what the letter asks for " +
			"under the letter's\nidentity, so that it counts once, however often it is repaired. The letter is then " +
			"resolved with a note that names the\nrepaired copy. Where that fails again it becomes a letter of its " +
			"own, which names this one.\n\n" +
			"The file holds the whole value of the record, as JSON: dlq show --show-values prints what it was. What " +
			"differs is shown\nwithout its content.",
		Example: "  ciobridge dlq edit 01JBM6W3Q0V9T3Y1H2X4C5D6E7 --with repaired.json --dry-run\n" +
			"  jq '.user = \"c_7\"' value.json | ciobridge dlq edit 01JBM6W3Q0V9T3Y1H2X4C5D6E7 --with -",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return exit.With(exit.Input, errors.New("name one letter to repair: its id, as the list gives it"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := event.ParseID(args[0])
			switch {
			case err != nil:
				return exit.With(exit.Input, fmt.Errorf("%q: %w", args[0], err))
			case with == "":
				return exit.With(exit.Input, errors.New("--with is missing: name the file with the repaired value"))
			case r.rate < 0:
				return exit.With(exit.Input, fmt.Errorf("--rate: %d is negative", r.rate))
			}
			d, err := openLetters(cmd, in, out)
			if err != nil {
				return err
			}
			defer d.close()
			return editLetter(cmd, d, id, with, &r, out)
		},
	}
	configFlags(cmd, &in)
	outputFlag(cmd, &out)
	cmd.Flags().StringVar(&with, "with", "", "the file with the repaired value; - for standard input")
	r.addSending(cmd)
	return cmd
}

// editLetter repairs a letter and tells what came of it.
func editLetter(
	cmd *cobra.Command, d *lettersClient, id event.ID, with string, r *replayFlags, out format,
) error {
	l, err := openLetter(cmd, d, id)
	if err != nil {
		return lettersError(err)
	}
	value, err := repairedValue(cmd, d, l, with)
	if err != nil {
		return exit.With(exit.Input, fmt.Errorf("--with %s: %w", with, err))
	}
	if err := printDifferences(cmd.OutOrStdout(), deadletter.Differences(l.Message.Value, value), out); err != nil {
		return err
	}
	return r.replay(cmd, d, replay.Options{Filter: deadletter.Filter{IDs: []event.ID{id}}, Repaired: value}, out)
}

// openLetter finds the letter to repair.
func openLetter(cmd *cobra.Command, d *lettersClient, id event.ID) (*deadletter.Letter, error) {
	var found []*deadletter.Letter
	for l, err := range deadletter.List(cmd.Context(), d.store, deadletter.Filter{IDs: []event.ID{id}}) {
		if err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	switch {
	case len(found) == 0:
		if _, err := deadletter.Show(cmd.Context(), d.store, id); err != nil {
			return nil, err
		}
		return nil, exit.With(exit.Input, fmt.Errorf("letter %s is resolved: dlq show tells how", id))
	case len(found) > 1:
		return nil, exit.With(exit.Input, fmt.Errorf("%d events have a letter %s; they cannot be told apart here: "+
			"replay or discard them by --topic and --offset", len(found), id))
	case !slices.Contains([]string{"", "json"}, d.rules.Forms(found[0].Message.Origin.Topic).Value):
		return nil, exit.With(exit.Input, fmt.Errorf("letter %s holds a value that only a producer with its schema "+
			"can write: publish a repaired event in its topic, and discard the letter", id))
	case found[0].Failure.Stage == event.StageReport:
		return nil, exit.With(exit.Input, fmt.Errorf("letter %s is the row of a report and no event, of which nothing "+
			"can be sent: read the report again with ciobridge reports run, or discard the letter", id))
	case found[0].Sealed != "":
		return nil, exit.With(exit.Input, fmt.Errorf("letter %s is sealed under the key %q: give "+
			"dead_letters.keys_file with it", id, found[0].Sealed))
	case found[0].Truncated != nil:
		return nil, exit.With(exit.Input, fmt.Errorf("letter %s was cut when it was stored, so that its event is not "+
			"known any more: take the original from its source", id))
	}
	return found[0], nil
}

// ownHeadersRoom is more than the headers that a store adds to one letter.
const ownHeadersRoom = 8 << 10

// repairedValue reads the repaired value, as far as it can be stored whole again.
func repairedValue(cmd *cobra.Command, d *lettersClient, l *deadletter.Letter, with string) ([]byte, error) {
	file := cmd.InOrStdin()
	if with != "-" {
		f, err := os.Open(with)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		file = f
	}
	limit := d.config.DeadLetters.WithDefaults().MaxBytes - (l.Message.Size() - len(l.Message.Value)) - ownHeadersRoom
	if d.config.DeadLetters.File != "" {
		limit /= 2 // because of what has to be escaped
	}
	value, err := io.ReadAll(io.LimitReader(file, int64(max(limit, 0))+1))
	if err != nil {
		return nil, err
	}
	if len(value) > limit {
		return nil, fmt.Errorf("is longer than the %d bytes that the dead letters take whole", max(limit, 0))
	}
	value = bytes.TrimSpace(value)
	if err := checkJSON(value); err != nil {
		return nil, err
	}
	if bytes.Equal(value, l.Message.Value) {
		return nil, errors.New("is the value that the letter holds: to send that again, replay it")
	}
	return value, nil
}

// checkJSON says where a text is not one JSON value. It quotes nothing of it.
func checkJSON(text []byte) error {
	switch {
	case len(text) == 0:
		return errors.New("is empty: want the whole value of the record, as JSON")
	case bytes.HasPrefix(text, []byte("\ufeff")):
		return errors.New("begins with a byte order mark: save it as UTF-8 without one")
	case !utf8.Valid(text):
		return errors.New("is not UTF-8")
	}
	var v json.RawMessage
	err := json.Unmarshal(text, &v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("is not one JSON value: %s", lineAndByte(text, int(syntax.Offset)))
	}
	// What follows is JSON that a bridge refuses, such as an object with one key twice.
	places := document.NewPlaces()
	places.Seal()
	var refused *document.InputError
	if errors.As(new(document.Document).Parse(places, text), &refused) {
		return fmt.Errorf("would not be read: %s: %s", refused.Kind, lineAndByte(text, refused.Offset+1))
	}
	return err
}

// lineAndByte tells where a text is, after so many bytes.
func lineAndByte(text []byte, bytesRead int) string {
	before := text[:min(bytesRead, len(text))]
	line := bytes.Count(before, []byte("\n")) + 1
	return fmt.Sprintf("line %d, byte %d of it", line, len(before)-bytes.LastIndexByte(before, '\n')-1)
}

// differenceView is a place in which a repaired value differs.
type differenceView struct {
	Path string `json:"path"`
	Was  string `json:"was,omitempty"`
	Is   string `json:"is,omitempty"`
}

func printDifferences(w io.Writer, list []deadletter.Difference, out format) error {
	if out == asJSON {
		views := make([]differenceView, len(list))
		for i, d := range list {
			views[i] = differenceView(d)
		}
		return output.JSON(w, map[string]any{"differences": views})
	}
	if len(list) == 0 {
		fmt.Fprintln(w, "the value is written in another way, and is the same")
	}
	for _, d := range list {
		fmt.Fprintln(w, output.Printable(d.String()))
	}
	return nil
}
