package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/internal/serve"
)

// The environment variables that give an emulator its credentials, where no flag does.
const (
	emulateSiteIDEnv = "CIOBRIDGE_EMULATE_SITE_ID"
	emulateAPIKeyEnv = "CIOBRIDGE_EMULATE_API_KEY"
)

// emulateFlags say what emulator is served, and where.
type emulateFlags struct {
	listen, receipts string
	faults           []string
	options          emulator.Options
}

func newEmulate() *cobra.Command {
	var f emulateFlags
	var out format
	cmd := &cobra.Command{
		Use:   "emulate",
		Short: "Serve a local Customer.io",
		Long: "Serve a local Customer.io until stopped. It takes what a bridge sends, " +
			"is stricter than the real one, shows what arrived\n" +
			"on a page, and misbehaves as --fault says. It delivers no message to " +
			"anybody, and forgets everything when it ends.\n\n" +
			"A fault is conditions and effects, such as " +
			"status=503,probability=0.1 or refuse=invalid,contains=c_7 or\n" +
			"latency=2s,times=10; the first that matches a request is the one that it meets.\n\n" +
			"It is asked for under a loopback name or address, the host that --listen has, " +
			"or the name that --host gives, such as a container's. Web\n" +
			"pages under other names, which might have been made to lead here, are turned away.\n\n" +
			"Without flags the credentials come from " + emulateSiteIDEnv + " and " + emulateAPIKeyEnv + ".",
		Example: "  ciobridge emulate\n" +
			"  ciobridge emulate --fault status=429,retry_after=30,times=3 " +
			"--fault latency=200ms --receipts received.jsonl",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, out) },
	}
	outputFlag(cmd, &out)
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8085", "the address to listen on; port 0 takes a free one")
	flags.StringArrayVar(&f.options.Hosts, "host", nil,
		"a name under which others reach the emulator, without a port; "+
			"may be repeated")
	flags.StringVar(&f.options.Region, "region", "eu", "where the workspace lives: us or eu")
	flags.StringVar(&f.options.SiteID, "site-id", "", "the site id that is accepted; \""+
		emulator.DefaultSiteID+"\" if not given")
	flags.StringVar(&f.options.APIKey, "api-key", "", "the API key that is accepted; \""+
		emulator.DefaultAPIKey+"\" if not given")
	flags.StringArrayVar(&f.faults, "fault", nil, "a fault to begin with; may be repeated")
	flags.Uint64Var(&f.options.Seed, "seed", 0, "what the probabilities of faults are drawn from")
	flags.StringVar(&f.receipts, "receipts", "", "a file to which every call that arrives is added as a line of JSON")
	complete(cmd, "region", "us", "eu")
	return cmd
}

func (f *emulateFlags) run(cmd *cobra.Command, out format) error {
	f.options.SiteID = cmp.Or(f.options.SiteID, os.Getenv(emulateSiteIDEnv))
	f.options.APIKey = cmp.Or(f.options.APIKey, os.Getenv(emulateAPIKeyEnv))
	for _, spec := range f.faults {
		fault, err := emulator.ParseFault(spec)
		if err != nil {
			return exit.With(exit.Input, err)
		}
		f.options.Faults = append(f.options.Faults, fault)
	}
	if err := f.options.Validate(); err != nil {
		return exit.With(exit.Input, err)
	}
	if f.receipts != "" {
		file, err := os.OpenFile(f.receipts, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return exit.With(exit.Input, fmt.Errorf("--receipts: %w", err))
		}
		defer file.Close()
		f.options.ReceiptLog = file
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return exit.With(exit.Input, fmt.Errorf("--listen: %w", err))
	}
	if host, _, err := net.SplitHostPort(f.listen); err == nil && host != "" {
		f.options.Hosts = append(f.options.Hosts, host)
	}
	if err := f.introduce(cmd.OutOrStdout(), cmd.ErrOrStderr(), listener.Addr(), out); err != nil {
		return errors.Join(err, listener.Close())
	}
	return serve.Until(cmd.Context(), listener, emulator.New(f.options))
}

// introduce says how the emulator is used.
func (f *emulateFlags) introduce(w, warnings io.Writer, addr net.Addr, out format) error {
	url := "http://" + addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		fmt.Fprintf(warnings, "warning: %s is not on loopback: whoever reaches it can see what was sent, without "+
			"credentials\n", addr)
		if len(f.options.Hosts) == 0 {
			fmt.Fprintln(warnings, "warning: it answers to loopback names only: name the host "+
				"under which others reach it with --host")
		}
		if tcp.IP.IsUnspecified() {
			url = fmt.Sprintf("http://localhost:%d", tcp.Port)
		}
	}
	if out == asJSON {
		return output.JSON(w, map[string]string{"url": url, "region": f.options.Region})
	}
	site, key := cmp.Or(f.options.SiteID, emulator.DefaultSiteID), "the one that was given"
	if f.options.APIKey == "" {
		key = emulator.DefaultAPIKey
	}
	_, err := fmt.Fprintf(w, `a local Customer.io listens on %[1]s

  in the customerio section of ciobridge.yaml:
    region: %[2]s
    url: %[1]s
  site id  %[3]s  (what site_id_file or site_id_env gives)
  API key  %[4]s  (what api_key_file or api_key_env gives)

  what arrived  %[1]s/ (a page), or GET %[1]s/_emulator/receipts
  misbehave     curl -d '"status=503,times=10"' %[1]s/_emulator/faults
  behave again  curl -X DELETE %[1]s/_emulator/faults

Ctrl-C ends it.
`, url, f.options.Region, site, key)
	return err
}
