package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ciobridge/ciobridge/cmd/ciobridge/cli"
	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/rawrequest"
	"github.com/ciobridge/ciobridge/internal/choice"
	"github.com/ciobridge/ciobridge/internal/exit"
)

// flags are what was typed.
type flags struct {
	in        config.Input
	api       string
	workspace string
	query     []string
	header    []string
	data      string
	form      []string
	files     []string
	timeout   time.Duration
	retries   int
	debug     bool
	paginate  bool
}

// New makes the command. ConfigFlags adds the flags that say what the configuration is read from.
func New(configFlags func(*cobra.Command, *config.Input)) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "api METHOD PATH",
		Short: "Make a request of your own to Customer.io",
		Long: "Make one request to an API of Customer.io, authorised by the configuration, and print the answer as " +
			"it came.\n\n" +
			"The path may be written with or without what the API's paths begin with: /v1/customers and /customers " +
			"are the same.\nThe host is that of the configured region, or customerio.url.\n\n" +
			"The exit code is 0 where the request was taken, 2 where it is wrong or was refused, 3 where the " +
			"credentials are, and 5\nwhere Customer.io cannot be used.",
		Example: "  ciobridge api GET /customers -q email=ada@example.com\n" +
			"  ciobridge api POST /campaigns/8/triggers -d '{\"data\":{\"headline\":\"Soon\"}}'\n" +
			"  ciobridge api GET /segments/4/membership --paginate\n" +
			"  ciobridge api PUT /customers/7 --api track -d @person.json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return exit.With(exit.Input, fmt.Errorf("%s: want a method and a path, such as GET /segments "+
					"(see %s --help)", cmd.CommandPath(), cmd.CommandPath()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0], args[1]) },
	}
	configFlags(cmd, &f.in)
	set := cmd.Flags()
	set.StringVar(&f.api, "api", customerio.AppAPI.String(), "the API: "+choice.List(customerio.APINames()))
	set.StringVar(&f.workspace, "workspace", "", "one of customerio.workspaces, in place of the first workspace")
	set.StringArrayVarP(&f.query, "query", "q", nil, "a value of the query, as name=value; may be repeated")
	set.StringArrayVarP(&f.header, "header", "H", nil, "a header, as name: value; may be repeated")
	set.StringVarP(&f.data, "data", "d", "", "the body: a text, @FILE, or @- for standard input")
	set.StringArrayVar(&f.form, "form", nil, "a field of a form, as name=value; may be repeated")
	set.StringArrayVar(&f.files, "file", nil, "a file of a form, as name=@FILE; may be repeated")
	set.DurationVar(&f.timeout, "timeout", 30*time.Second, "how long one attempt may take")
	set.IntVar(&f.retries, "retries", 0, "how often to try again where that cannot count twice")
	set.BoolVar(&f.debug, "debug", false, "tell on standard error what is sent and answered, without credentials")
	set.BoolVar(&f.paginate, "paginate", false, "follow the pages of a list, and print one after the other")
	cli.Complete(cmd, "api", customerio.APINames()...)
	return cmd
}

func (f *flags) run(cmd *cobra.Command, method, path string) error {
	api, r, err := f.request(cmd.InOrStdin(), strings.ToUpper(method), path)
	if err != nil {
		return exit.With(exit.Input, err)
	}
	c, err := config.Load(f.in)
	if err != nil {
		return exit.With(exit.Input, err)
	}
	w, err := f.workspaceOf(c)
	if err != nil {
		return exit.With(exit.Input, err)
	}
	if key := w.Lacks(api); key != "" {
		return exit.With(exit.Input, fmt.Errorf("%s.%s: is missing: --api %s is authorised by it", w.Path(), key, api))
	}
	client, err := customerio.NewClient(w.Config, 1, nil)
	if err != nil {
		return exit.With(exit.Credentials, fmt.Errorf("%s: %w", w.Path(), err))
	}
	defer client.Close()
	if err := client.Read(api); err != nil {
		return exit.With(exit.Credentials, fmt.Errorf("%s: %w", w.Path(), err))
	}
	call := call{
		client: client, pace: w.Pace(r.Endpoint), retries: f.retries, out: cmd.OutOrStdout(),
		debug: io.Discard,
	}
	if f.debug {
		call.debug = cmd.ErrOrStderr()
	}
	if f.paginate {
		return call.pages(cmd.Context(), r)
	}
	_, err = call.make(cmd.Context(), r)
	return err
}

// workspaceOf is the workspace that was asked for, or the first.
func (f *flags) workspaceOf(c config.Config) (config.Workspace, error) {
	for _, w := range c.CustomerIO.All() {
		if w.Name == f.workspace {
			return w, nil
		}
	}
	names := c.CustomerIO.Names()
	if len(names) == 0 {
		return config.Workspace{}, fmt.Errorf("--workspace %s: the configuration has no customerio.workspaces",
			f.workspace)
	}
	return config.Workspace{}, fmt.Errorf("--workspace %s: want %s%s", f.workspace, choice.List(names),
		choice.Near(f.workspace, names))
}

// request makes a request of what was typed.
func (f *flags) request(in io.Reader, method, path string) (customerio.API, customerio.Request, error) {
	none := customerio.Request{}
	api, known := customerio.ParseAPI(strings.ToLower(f.api))
	if !known {
		return api, none, fmt.Errorf("--api %s: want %s%s", f.api, choice.List(customerio.APINames()),
			choice.Near(f.api, customerio.APINames()))
	}
	parsed, query, err := rawrequest.ParsePath(api, path)
	if err != nil {
		return api, none, fmt.Errorf("the path %s: %w", path, err)
	}
	target, err := parsed.Append(nil, nil)
	if err != nil {
		return api, none, fmt.Errorf("the path %s: %w", path, err)
	}
	more, err := pairs("--query", f.query)
	if err != nil {
		return api, none, err
	}
	header, err := headers(f.header)
	if err != nil {
		return api, none, err
	}
	content, err := f.content(in, header.Get("Content-Type"))
	if err != nil {
		return api, none, err
	}
	switch {
	case f.timeout <= 0:
		return api, none, fmt.Errorf("--timeout %s: want a time, such as 30s", f.timeout)
	case f.retries < 0:
		return api, none, fmt.Errorf("--retries %d: want a number from 0", f.retries)
	case f.paginate && method != http.MethodGet && method != http.MethodPost:
		return api, none, fmt.Errorf("--paginate: a %s gives no pages", method)
	}
	r, err := rawrequest.New(api, method, string(target), append(query, more...), header, content)
	r.Timeout, r.Keep = f.timeout, maxAnswer
	return api, r, err
}

func pairs(flag string, given []string) (all []rawrequest.Pair, err error) {
	for _, text := range given {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return nil, fmt.Errorf("%s %s: want name=value", flag, text)
		}
		all = append(all, rawrequest.Pair{Name: name, Value: value})
	}
	if err := rawrequest.CheckPairs(all); err != nil {
		return nil, fmt.Errorf("%s %w", flag, err)
	}
	return all, nil
}

func headers(given []string) (http.Header, error) {
	all := http.Header{}
	for _, text := range given {
		name, value, found := strings.Cut(text, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !found {
			return nil, errors.New("--header: want name: value")
		}
		if problem := rawrequest.CheckHeader(name); problem != "" {
			return nil, fmt.Errorf("--header %s: %s", name, problem)
		}
		if problem := rawrequest.CheckHeaderValue(value); problem != "" {
			return nil, fmt.Errorf("--header %s: the value %s", name, problem)
		}
		if all.Get(name) != "" {
			return nil, fmt.Errorf("--header %s: is given twice", name)
		}
		all.Set(name, value)
	}
	return all, nil
}
