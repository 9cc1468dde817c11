package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/internal/choice"
)

// GitHub is the format of results in words, with annotations for GitHub Actions.
const GitHub = "github"

// A Word is the value of a flag that takes one of some words.
type Word struct {
	value string
	words []string
}

// FormsFlag adds the flag that chooses how results, and errors, are printed: as text, as JSON, or in one of more forms.
func FormsFlag(cmd *cobra.Command, w *Word, more ...string) {
	forms := append([]string{string(Text), string(JSON)}, more...)
	*w = Word{forms[0], forms}
	cmd.Flags().VarP(w, "output", "o", "how to print results and errors: "+choice.List(forms))
	Complete(cmd, "output", forms...)
}

// Set implements the flag's value.
func (w *Word) Set(s string) error {
	if !slices.Contains(w.words, s) {
		return fmt.Errorf("want %s", choice.List(w.words))
	}
	w.value = s
	return nil
}

func (w *Word) String() string { return w.value }

// Type names the value in help texts.
func (*Word) Type() string { return "format" }

// Annotates reports whether a command with this flag writes annotations for GitHub: where it is told to, and in a
// workflow of GitHub Actions.
func (w *Word) Annotates() bool { return w.value == GitHub || OnGitHub() }
