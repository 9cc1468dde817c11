package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
)

func newHealthcheck() *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running bridge whether it is ready",
		Long: "Ask a running bridge whether it is ready, for containers whose image holds no other program that " +
			"could.\n\n" +
			"The exit code is 0 when the answer is a 200, and 1 otherwise.",
		Example: "  ciobridge healthcheck\n" +
			"  ciobridge healthcheck --url http://127.0.0.1:8080/healthz",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 5*time.Second)
			defer cancel()
			return healthcheck(ctx, cmd.OutOrStdout(), address)
		},
	}
	cmd.Flags().StringVar(&address, "url", cli.AdminAddress+"/readyz", "the address that is asked")
	return cmd
}

// healthcheck prints the first line of the answer.
func healthcheck(ctx context.Context, w io.Writer, address string) error {
	at, err := url.Parse(address)
	if err != nil {
		return exit.With(exit.Input, fmt.Errorf("--url: %w", err))
	}
	answer, err := cli.Ask(ctx, http.MethodGet, at)
	if err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	line, _, _ := strings.Cut(string(answer), "\n")
	_, err = fmt.Fprintln(w, output.Printable(line))
	return err
}
