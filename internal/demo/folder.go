package demo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/ciobridge/ciobridge/config"
	"github.com/ciobridge/ciobridge/emulator"
)

// A folder is where a demo keeps its configuration, rules, events and dead letters, for the other commands to use
// afterwards.
type folder struct {
	dir  string   // absolute
	kept []string // rule files that somebody has changed
}

// mark begins the configuration that a demo writes, so that a demo never takes over a folder of somebody else.
const mark = "# Written by ciobridge demo at each start."

// The files of the folder. The configuration has its name only once the demo runs.
const (
	configName  = "ciobridge.yaml"
	draftName   = "ciobridge.yaml.new"
	lettersName = "dead-letters.jsonl"
	reportsName = "reports.jsonl"
	logName     = "ciobridge.log"
)

// configText is the configuration, with the names of values for os.Expand. [folder.configure] gives them.
const configText = mark + `
# Change the rules in rules/ as you like; the next demo keeps them. When the demo has ended, start its Customer.io with
#   ciobridge emulate --listen ${Emulator} --region eu --webhook-url http://${Webhooks}` + webhooksPath + `
# and go on with
#   ciobridge run -c ${Path}

source:
  embedded:
    dir: ${Data}
    listen: "${NATS}"
    start_at: earliest
    streams: [{name: EVENTS, subjects: [events.>]}]

customerio:
  region: eu
  url: "${URL}" # the emulator; without this line calls go to the real Customer.io
  site_id_file: ${SiteID}
  api_key_file: ${APIKey}
  app_key_file: ${AppKey}
  allow: [delete]
  requests_per_second: 1000 # the real Customer.io asks for 100, which is the default

delivery: {linger: 20ms}
dead_letters: {file: ${Letters}}

webhooks: # what Customer.io tells by itself, such as bounces, comes to the stream CUSTOMERIO
  listen: "${Webhooks}"
  signing_keys: [{file: ${WebhookKey}}]
  subject: ` + webhooksSubject + `

reports: # numbers of campaigns come there each morning, or with ciobridge reports run campaigns -c ${Path}
  - name: ` + reportName + `
    type: campaigns
    schedule: daily at 06:00 in America/Los_Angeles
    params: {period: days, steps: 2}
    to: {subject: ` + reportsSubject + `}
report_state: {file: ${Reports}}

rules_from: [rules/*.yaml]
admin: {listen: "${Admin}"}
log: {level: info, format: console}
`

// openFolder makes the folder, or takes over that of an earlier demo.
func openFolder(dir string) (*folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir}
	if err := f.mine(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := f.write(draftName, []byte(mark+"\n")); err != nil {
		return nil, err
	}
	return f, f.writeRules()
}

// mine refuses a folder that holds anything but an earlier demo.
func (f *folder) mine() error {
	entries, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range []string{configName, draftName} {
		text, err := os.ReadFile(f.path(name))
		if err == nil && bytes.HasPrefix(text, []byte(mark)) {
			return nil
		}
	}
	return fmt.Errorf("%s is not empty and not of an earlier demo: name another folder with --dir", f.dir)
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) write(name string, data []byte) error {
	return os.WriteFile(f.path(name), data, 0o600)
}

// writeRules writes the example rules, except over a file that has been changed.
func (f *folder) writeRules() error {
	return fs.WalkDir(config.Examples, "rules", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := f.path(filepath.FromSlash(name))
		if entry.IsDir() {
			return os.MkdirAll(path, 0o755)
		}
		want, err := config.Examples.ReadFile(name)
		if err != nil {
			return err
		}
		have, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return os.WriteFile(path, want, 0o644)
		case err == nil && !bytes.Equal(have, want):
			f.kept = append(f.kept, name)
		}
		return err
	})
}

// addresses are where the parts of a demo listen.
type addresses struct{ nats, emulator, admin, webhooks string }

// draft writes the configuration to start from, with the credentials beside it, and returns its path.
func (f *folder) draft(at addresses) (string, error) {
	return f.path(draftName), errors.Join(
		f.write("site_id", []byte(emulator.DefaultSiteID)), f.write("api_key", []byte(emulator.DefaultAPIKey)),
		f.write("app_key", []byte(emulator.DefaultAppKey)),
		f.write("webhook_key", []byte(emulator.DefaultWebhookKey)), f.configure(draftName, at))
}

func (f *folder) configure(name string, at addresses) error {
	values := map[string]string{
		"Path": f.path(configName), "NATS": at.nats, "Emulator": at.emulator, "URL": "http://" + at.emulator,
		"Webhooks": at.webhooks, "Admin": at.admin,
	}
	for key, file := range map[string]string{
		"Data": "data", "WebhookKey": "webhook_key", "SiteID": "site_id", "APIKey": "api_key", "AppKey": "app_key",
		"Letters": lettersName, "Reports": reportsName,
	} {
		values[key] = strconv.Quote(f.path(file))
	}
	text := os.Expand(configText, func(key string) string { return values[key] })
	return f.write(name, []byte(text))
}

// settle writes the configuration with the ports that were taken, and forgets the dead letters and the reports of an
// earlier demo.
// Only the process that holds the folder's broker may call it.
func (f *folder) settle(at addresses) error {
	for _, name := range []string{lettersName, reportsName, draftName} {
		if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return f.configure(configName, at)
}
