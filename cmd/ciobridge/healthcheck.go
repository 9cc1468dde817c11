package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
)

func newHealthcheck() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running bridge whether it is ready",
		Long: "Ask a running bridge whether it is ready, for containers whose image holds no other program that " +
			"could. The exit code is\n0 when the answer is a 200 and 1 otherwise.",
		Example: "  ciobridge healthcheck\n" +
			"  ciobridge healthcheck --url http://127.0.0.1:8080/healthz",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 5*time.Second)
			defer cancel()
			return healthcheck(ctx, cmd.OutOrStdout(), url)
		},
	}
	cmd.Flags().StringVar(&url, "url", "http://127.0.0.1:8080/readyz", "where to ask")
	return cmd
}

// healthcheck prints the first line of the answer.
func healthcheck(ctx context.Context, w io.Writer, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return exit.With(exit.Input, fmt.Errorf("--url: %w", err))
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return fmt.Errorf("not healthy: %w", err)
	}
	defer res.Body.Close()
	line := bufio.NewScanner(io.LimitReader(res.Body, 4096))
	line.Scan()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not healthy: %s: %s", res.Status, output.Printable(line.Text()))
	}
	_, err = fmt.Fprintln(w, output.Printable(line.Text()))
	return err
}
