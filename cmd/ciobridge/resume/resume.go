package resume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	order "github.com/ciobridge/ciobridge/app/resume"
	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
)

// answerLimit bounds what is printed of an answer.
const answerLimit = 64 << 10

// New makes the command.
func New() *cobra.Command {
	var address string
	var rules, topics []string
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Have a running bridge go on with rules and topics that have stopped",
		Long: "Have a running bridge go on with rules and topics that have stopped: those that are named or, without " +
			"a name, all. What was\nheld of them is read and mapped again, in its order. It has to run on the " +
			"machine of the bridge, such as with docker exec\nor kubectl exec, and asks one replica; changed rules " +
			"resume what has stopped by themselves.",
		Example: "  ciobridge resume\n" +
			"  ciobridge resume --rule order --url http://127.0.0.1:9090",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			return resume(ctx, cmd.OutOrStdout(), address, url.Values{order.Rule: rules, order.Topic: topics})
		},
	}
	cmd.Flags().StringVar(&address, "url", "http://127.0.0.1:8080", "the admin server of the bridge")
	cmd.Flags().StringArrayVar(&rules, "rule", nil, "a rule that has stopped; may be given several times")
	cmd.Flags().StringArrayVar(&topics, "topic", nil, "a topic or stream that has stopped; may be given several times")
	return cmd
}

// resume gives the order and prints the answer.
func resume(ctx context.Context, w io.Writer, address string, names url.Values) error {
	to, err := url.Parse(address)
	if err != nil || to.Host == "" || to.Scheme != "http" {
		return exit.With(exit.Input, errors.New("--url: is no address such as http://127.0.0.1:8080"))
	}
	to = to.JoinPath(order.Path)
	to.RawQuery = names.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), nil)
	if err != nil {
		return exit.With(exit.Input, fmt.Errorf("--url: %w", err))
	}
	req.Header.Set(order.Header, "1")
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return fmt.Errorf("ask the bridge: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(answer), "\n"), "\n")
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("not resumed: %s: %s", res.Status, output.Printable(lines[0]))
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, output.Printable(line)); err != nil {
			return err
		}
	}
	return nil
}
