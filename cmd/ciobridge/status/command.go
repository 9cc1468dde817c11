package status

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/app/status"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
)

// limit is how long the answer may take.
const limit = 10 * time.Second

// New makes the command.
func New() *cobra.Command {
	var address string
	var out cli.Format
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Ask a running bridge what it does",
		Long: "Ask a running bridge what it reads and how far it is, how Customer.io does, how many dead letters are " +
			"open, what has\nstopped and what its rules have done. It is asked at its admin server (admin.listen), " +
			"whose /status has the same as JSON.\n\n" +
			"The exit code is 0 when the bridge answers, whatever it says, and 1 when it does not. A probe that must " +
			"fail while a\nbridge is not ready is ciobridge healthcheck.",
		Example: "  ciobridge status\n" +
			"  ciobridge status --url http://ciobridge-0.ciobridge:8080\n" +
			"  ciobridge status -o json | jq '.source.partitions | map(.lag) | add'",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := cli.AdminURL(address, "/status")
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), limit)
			defer cancel()
			text, err := cli.Ask(ctx, http.MethodGet, at)
			if err != nil {
				return fmt.Errorf("no status: %w", err)
			}
			var s status.Status
			if err := json.Unmarshal(text, &s); err != nil || s.Version == "" {
				return fmt.Errorf("%s: what answers is no bridge", at)
			}
			if out == cli.JSON {
				var line bytes.Buffer
				if err := json.Compact(&line, text); err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), &line)
				return err
			}
			return print(cmd.OutOrStdout(), s, time.Now())
		},
	}
	cmd.Flags().StringVar(&address, "url", cli.AdminAddress, "the address of the bridge's admin server")
	cli.OutputFlag(cmd, &out)
	return cmd
}
