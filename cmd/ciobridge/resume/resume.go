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

// New makes the command.
func New() *cobra.Command {
	var address string
	var rules, topics []string
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Have a running bridge go on with rules and topics that have stopped",
		Long: "Have a running bridge go on with rules and topics that have stopped: those that are named or, without " +
			"a name, all.\nWhat was held of them is read and mapped again, in its order. It has to run on the " +
			"machine of the bridge, such as with\ndocker exec or kubectl exec, and asks one replica; changed rules " +
			"resume what has stopped by themselves.\n\n" +
			"The exit code is 2 when there is no such rule or topic, of which nothing is resumed then, and 1 when " +
			"the bridge does not\nanswer.",
		Example: "  ciobridge resume\n" +
			"  ciobridge resume --rule order --url http://127.0.0.1:9090",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			return resume(ctx, cmd.OutOrStdout(), address, url.Values{order.Rule: rules, order.Topic: topics})
		},
	}
	cmd.Flags().StringVar(&address, "url", cli.AdminAddress, "the address of the bridge's admin server")
	cmd.Flags().StringArrayVar(&rules, "rule", nil, "a rule that has stopped; may be repeated")
	cmd.Flags().StringArrayVar(&topics, "topic", nil, "a topic or stream that has stopped; may be repeated")
	return cmd
}

// resume gives the order and prints the answer.
func resume(ctx context.Context, w io.Writer, address string, names url.Values) error {
	to, err := cli.AdminURL(address, order.Path)
	if err != nil {
		return err
	}
	to.RawQuery = names.Encode()
	answer, err := cli.Ask(ctx, http.MethodPost, to, order.Header, "1")
	var refused *cli.RefusedError
	if errors.As(err, &refused) && refused.Code == http.StatusBadRequest {
		return exit.With(exit.Input, errors.New("not resumed: "+output.Printable(refused.Line)))
	}
	if err != nil {
		return fmt.Errorf("not resumed: %w", err)
	}
	for line := range strings.Lines(string(answer)) {
		if _, err := fmt.Fprintln(w, output.Printable(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
