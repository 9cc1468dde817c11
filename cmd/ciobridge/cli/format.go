package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// Format is how results are printed.
type Format string

// The formats that most commands have.
const (
	Text Format = "text"
	JSON Format = "json"
)

// Set implements the flag's value.
func (f *Format) Set(s string) error {
	if s != string(Text) && s != string(JSON) {
		return errors.New("want text or json")
	}
	*f = Format(s)
	return nil
}

func (f *Format) String() string { return string(*f) }

// Type names the value in help texts.
func (*Format) Type() string { return "format" }

// OutputFlag adds the flag that chooses how results, and errors, are printed.
func OutputFlag(cmd *cobra.Command, f *Format) {
	*f = Text
	cmd.Flags().VarP(f, "output", "o", "how to print results and errors: text or json")
	Complete(cmd, "output", string(Text), string(JSON))
}
