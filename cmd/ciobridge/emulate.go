package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/emulator/certificate"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/output"
	"github.com/ciobridge/ciobridge/internal/serve"
)

// The environment variables that give an emulator its credentials, where no flag does.
const (
	emulateSiteIDEnv   = "CIOBRIDGE_EMULATE_SITE_ID"
	emulateAPIKeyEnv   = "CIOBRIDGE_EMULATE_API_KEY"
	emulateAppKeyEnv   = "CIOBRIDGE_EMULATE_APP_KEY"
	emulateWriteKeyEnv = "CIOBRIDGE_EMULATE_WRITE_KEY"
)

// emulateFlags say what emulator is served, and where.
type emulateFlags struct {
	listen, receipts string
	faults           []string
	tls              certificate.Files
	options          emulator.Options
}

func newEmulate() *cobra.Command {
	var f emulateFlags
	var out format
	cmd := &cobra.Command{
		Use:   "emulate",
		Short: "Serve a local Customer.io",
		Long: "Serve a local Customer.io until stopped: the Track API (v1 and v2), the App API and the " +
			"Pipelines API of one workspace.\n" +
			"It takes what a bridge or any other client sends, is stricter than the real one, shows what arrived " +
			"on a page,\n" +
			"and misbehaves as --fault says. It delivers no message to anybody, and forgets everything when it " +
			"ends.\n\n" +
			"With --tls-ca it speaks TLS with a certificate of its own making, and writes the authority that clients " +
			"are to trust\n" +
			"into that file; with --tls-cert and --tls-key it shows yours.\n\n" +
			"A fault is conditions and effects, such as " +
			"status=503,probability=0.1 or refuse=invalid,contains=c_7 or\n" +
			"latency=2s,times=10; the first that matches a request is the one that it meets.\n\n" +
			"It is asked for under a loopback name or address, the host that --listen has, " +
			"or the name that --host gives, such as a container's. Web\n" +
			"pages under other names, which might have been made to lead here, are turned away.\n\n" +
			"Without flags the credentials come from " + emulateSiteIDEnv + ", " + emulateAPIKeyEnv + ",\n" +
			emulateAppKeyEnv + " and " + emulateWriteKeyEnv + ".",
		Example: "  ciobridge emulate\n" +
			"  ciobridge emulate --fault status=429,retry_after=30,times=3 " +
			"--fault latency=200ms --receipts received.jsonl\n" +
			"  ciobridge emulate --listen 127.0.0.1:8443 --tls-ca emulator-ca.pem",
		Args: cli.NoArgs,
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
	flags.StringVar(&f.options.AppKey, "app-key", "", "the key of the App API that is accepted; \""+
		emulator.DefaultAppKey+"\" if not given")
	flags.StringVar(&f.options.WriteKey, "write-key", "", "the key of the Pipelines API that is accepted; \""+
		emulator.DefaultWriteKey+"\" if not given")
	flags.BoolVar(&f.options.NoRateLimits, "no-rate-limits", false,
		"take requests of the App API as often as they come, and not 10 a second at most")
	f.further(flags)
	flags.StringArrayVar(&f.faults, "fault", nil, "a fault to begin with; may be repeated")
	flags.Uint64Var(&f.options.Seed, "seed", 0, "what the probabilities of faults are drawn from")
	flags.StringVar(&f.receipts, "receipts", "", "a file to which every call that arrives is added as a line of JSON")
	cli.Complete(cmd, "region", "us", "eu")
	return cmd
}

// further are the flags of reports, webhooks and TLS.
func (f *emulateFlags) further(flags *pflag.FlagSet) {
	flags.DurationVar(&f.options.ReactWithin, "react-within", 0, "people react within that time to what is sent to "+
		"them: it bounces or is delivered, opened, clicked; without it nobody reacts")
	flags.DurationVar(&f.options.Exports.Takes, "export-takes", time.Second, "how long an export is pending")
	flags.DurationVar(&f.options.Exports.Link, "export-link", 0, "how long the link to an export's file holds; "+
		"15m if not given")
	flags.BoolVar(&f.options.NullLists, "null-lists", false,
		"answer lists of the App API that hold nothing as null, as the real one does with some")
	flags.StringVar(&f.options.Webhook.URL, "webhook-url", "", "where reporting webhooks are sent, such as those that "+
		"a bridge takes")
	flags.StringVar(&f.options.Webhook.Key, "webhook-key", "", "the key by which they are signed; \""+
		emulator.DefaultWebhookKey+"\" if not given")
	flags.DurationVar(&f.options.Webhook.Retry, "webhook-retry", 0, "the pause before a webhook that nobody took is "+
		"sent again, which doubles each time; 1s if not given")
	flags.StringVar(&f.tls.CA, "tls-ca", "", "speak TLS with a certificate that is made for this run; "+
		"the authority to trust is written to this file (PEM)")
	flags.StringVar(&f.tls.Cert, "tls-cert", "", "speak TLS with the certificate in this file (PEM), and its "+
		"intermediates")
	flags.StringVar(&f.tls.Key, "tls-key", "", "the key (PEM) of --tls-cert")
}

func (f *emulateFlags) run(cmd *cobra.Command, out format) error {
	f.options.SiteID = cmp.Or(f.options.SiteID, os.Getenv(emulateSiteIDEnv))
	f.options.APIKey = cmp.Or(f.options.APIKey, os.Getenv(emulateAPIKeyEnv))
	f.options.AppKey = cmp.Or(f.options.AppKey, os.Getenv(emulateAppKeyEnv))
	f.options.WriteKey = cmp.Or(f.options.WriteKey, os.Getenv(emulateWriteKeyEnv))
	for _, spec := range f.faults {
		fault, err := emulator.ParseFault(spec)
		if err != nil {
			return exit.With(exit.Input, err)
		}
		f.options.Faults = append(f.options.Faults, fault)
	}
	if err := errors.Join(f.options.Validate(), f.tls.Validate()); err != nil {
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
	addr := listener.Addr()
	if host, _, err := net.SplitHostPort(f.listen); err == nil && host != "" {
		f.options.Hosts = append(f.options.Hosts, host)
	}
	secure, err := f.tls.Listen(listener, f.options.Hosts)
	if err != nil {
		return errors.Join(exit.With(exit.Input, err), listener.Close())
	}
	if err := f.introduce(cmd.OutOrStdout(), cmd.ErrOrStderr(), addr, out); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := emulator.New(f.options)
	ctx, cancel := context.WithCancel(cmd.Context())
	var webhooks sync.WaitGroup
	webhooks.Go(func() { server.SendWebhooks(ctx) })
	err = serve.Until(ctx, secure, server)
	cancel()
	webhooks.Wait()
	return err
}

// introduce says how the emulator is used.
func (f *emulateFlags) introduce(w, warnings io.Writer, addr net.Addr, out format) error {
	scheme := "http://"
	if f.tls.Given() {
		scheme = "https://"
	}
	url := scheme + addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		fmt.Fprintf(warnings, "warning: %s is not on loopback: whoever reaches it can see what was sent, without "+
			"credentials\n", addr)
		if len(f.options.Hosts) == 0 {
			fmt.Fprintln(warnings, "warning: it answers to loopback names only: name the host "+
				"under which others reach it with --host")
		}
		if tcp.IP.IsUnspecified() {
			url = fmt.Sprintf("%slocalhost:%d", scheme, tcp.Port)
		}
	}
	if out == asJSON {
		return output.JSON(w, map[string]string{"url": url, "region": f.options.Region})
	}
	_, err := fmt.Fprintf(w, `a local Customer.io listens on %[1]s

  in the customerio section of ciobridge.yaml:
    region: %[2]s
    url: %[1]s
  site id    %[3]s  (what site_id_file or site_id_env gives)
  API key    %[4]s  (what api_key_file or api_key_env gives)
  app key    %[5]s  (what app_key_file or app_key_env gives; for others a Bearer token)
  write key  %[6]s  (what write_key_file or write_key_env gives; for others the user, without a password)
%[7]s
  what arrived  %[1]s/ (a page), or GET %[1]s/_emulator/receipts
  misbehave     curl -d '"status=503,times=10"' %[1]s/_emulator/faults
  behave again  curl -X DELETE %[1]s/_emulator/faults

Ctrl-C ends it.
`, url, f.options.Region, cmp.Or(f.options.SiteID, emulator.DefaultSiteID),
		shown(f.options.APIKey, emulator.DefaultAPIKey), shown(f.options.AppKey, emulator.DefaultAppKey),
		shown(f.options.WriteKey, emulator.DefaultWriteKey), f.tls.Advice())
	return err
}

// shown is a key that everybody knows, or that there is another one.
func shown(given, usual string) string {
	if given == "" {
		return usual
	}
	return "the one that was given"
}
