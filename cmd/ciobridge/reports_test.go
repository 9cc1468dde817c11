package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ciobridge/ciobridge/emulator"
	"github.com/ciobridge/ciobridge/internal/exit"
	"github.com/ciobridge/ciobridge/internal/longtest"
)

const reportsSubject = "customerio.reports"

// reporting is a NATS server with a stream for reports, and a configuration that publishes them there.
type reporting struct {
	*subjects
	stream jetstream.Stream
	path   string
}

// withReports makes one whose reports are those of a text of YAML.
func withReports(t *testing.T, reports string) *reporting {
	t.Helper()
	s := newSubjects(t)
	stream, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "REPORTS",
		Subjects: []string{reportsSubject + ".>"}, Duplicates: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	s.write("app_key", emulator.DefaultAppKey)
	path := s.configureNATS()
	s.write("reports.yaml", "customerio: {app_key_file: "+s.path("app_key")+"}\n"+reports)
	return &reporting{s, stream, path}
}

// args are those of a command, with the configuration.
func (r *reporting) args(args ...string) []string {
	return append(args, "-c", r.path, "-c", r.world.path("reports.yaml"))
}

// A publishedRow is an event of a report.
type publishedRow struct {
	ID, Type, Subject, Workspace string
	Revision                     int
	Hash                         string `json:"contenthash"`
	Data                         struct {
		Report, Object string
		Window         struct{ Start, End time.Time }
		Revision       int
		Row            map[string]json.RawMessage
	}
}

// published is what stands in the stream.
func (r *reporting) published() (rows []publishedRow) {
	r.t.Helper()
	info, err := r.stream.Info(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range info.State.Msgs {
		m, err := r.stream.GetMsg(r.t.Context(), i+1)
		if err != nil {
			r.t.Fatal(err)
		}
		rows = append(rows, rowOf(r.t, m.Data))
		last := rows[len(rows)-1]
		if m.Subject != reportsSubject+"."+strings.TrimPrefix(last.Type, "io.customer.report.") {
			r.t.Errorf("%s is published on %s", last.Type, m.Subject)
		}
	}
	return rows
}

func rowOf(t *testing.T, text []byte) (row publishedRow) {
	t.Helper()
	if err := json.Unmarshal(text, &row); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return row
}

// revisions makes sure that no revision of a window is there twice, and counts those of each number.
func revisions(t *testing.T, rows []publishedRow) map[int]int {
	t.Helper()
	ids, told, counts := map[string]bool{}, map[string]bool{}, map[int]int{}
	for _, row := range rows {
		key := fmt.Sprint(row.Workspace, " ", row.Data.Report, " ", row.Data.Object, " ", row.Data.Window, " ",
			row.Revision)
		if ids[row.ID] || told[key] {
			t.Errorf("%s is published twice, as %s", key, row.ID)
		}
		ids[row.ID], told[key] = true, true
		counts[row.Revision]++
	}
	return counts
}

// A report by hand shows what it would publish, publishes that, and then only what has changed; the bridge, whose
// schedule says every minute, knows what was published.
func TestReportsToJetStream(t *testing.T) {
	longtest.Only(t)
	beside(t)
	r := withReports(t, `
reports:
  - {name: campaigns, type: campaigns, params: {period: days, steps: 7}, to: {subject: customerio.reports},
     schedule: "* * * * *"}
`)
	for _, source := range []string{"campaign:7", "campaign:8"} {
		if _, err := r.cio.Send(emulator.Sending{Source: source, To: []string{"email:a@example.com"}}); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, exit.OK, "reports run", "reports", "--help")
	expect(t, exit.OK, "never run", r.args("reports", "status")...)
	dry, code := command(t, r.args("reports", "run", "campaigns", "--dry-run", "-o", "json")...)
	if code != exit.OK || len(lines(dry)) != 14 || len(r.published()) != 0 {
		t.Fatalf("exit code %d, %d are published, and shown\n%s", code, len(r.published()), dry)
	}
	first := rowOf(t, []byte(lines(dry)[0]))
	if first.Type != "io.customer.report.campaigns" || first.Subject != "campaign/7" || first.Revision != 1 ||
		first.Data.Row["metrics"] == nil {
		t.Errorf("shown %+v", first)
	}
	expect(t, exit.OK, `"published":14,"unchanged":0`, r.args("reports", "run", "campaigns", "-o", "json")...)
	if rows := r.published(); revisions(t, rows)[1] != 14 || rows[0].ID != first.ID || rows[0].Hash != first.Hash {
		t.Errorf("published %+v", rows)
	}
	expect(t, exit.Input, "", r.args("reports", "run", "campaigns", "--since", "2010-01-01")...)
	if err := r.cio.ReactWithin(time.Millisecond); err != nil {
		t.Fatal(err)
	}
	eventually(t, "people react", 10*time.Second, func() bool {
		return r.cio.Deliveries()[0].Metrics["delivered"] != 0 || r.cio.Deliveries()[0].Metrics["bounced"] != 0
	})
	expect(t, exit.OK, "campaigns", r.args("reports", "run", "campaigns")...)
	if counts := revisions(t, r.published()); counts[1] != 14 || counts[2] == 0 {
		t.Errorf("revisions %v", counts)
	}
	before := len(r.published())
	p := start(t, r.args("run")...)
	answers(t, p.admin(t)+"/readyz", http.StatusOK, "ready\n")
	answers(t, p.admin(t)+"/metrics", http.StatusOK, "ciobridge_report_rows_total{report=\"campaigns\"")
	status := answers(t, p.admin(t)+"/status", http.StatusOK, `"reports": [`, `"report": "campaigns"`)
	if !strings.Contains(status, `"to": "subject customerio.reports"`) {
		t.Error(status)
	}
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	if after := r.published(); len(after) != before {
		t.Errorf("%d are published, and then %d", before, len(after))
	}
}

// A report that is killed in the middle is finished by the next: no row is published twice, and none is missing.
func TestReportsKilledInTheMiddle(t *testing.T) {
	longtest.Only(t)
	beside(t)
	r := withReports(t, `
reports:
  - {name: deliveries, type: deliveries_export, params: {of: {campaign: 7}}, to: {subject: customerio.reports}}
`)
	const rows, broken = 4000, 2
	exports := emulator.Exports{Takes: time.Millisecond, Rows: rows, Malformed: []int{5, 1000}}
	if err := r.cio.SetExports(exports); err != nil {
		t.Fatal(err)
	}
	state := "report_state={file: " + r.world.path("state.jsonl") + "}"
	count := func() int {
		info, err := r.stream.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return int(info.State.Msgs)
	}
	p := launchChild(t, r.args("reports", "run", "deliveries", "--set", state)...)
	eventually(t, "rows are published", 20*time.Second, func() bool { return count() > 0 })
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	if n := count(); n >= rows-broken || p.ProcessState.Success() {
		t.Fatalf("it had published all %d before it was killed", n)
	}
	expect(t, exit.OK, "open", r.args("reports", "status", "--set", state)...)
	expect(t, exit.OK, "done", r.args("reports", "run", "deliveries", "--set", state)...)
	all := r.published()
	revisions(t, all)
	windows := map[time.Time]int{}
	for _, row := range all {
		windows[row.Data.Window.End]++
	}
	for end, n := range windows { // of the run that was killed, and of the one that was asked for after it
		if n != rows-broken || len(windows) != 2 {
			t.Errorf("published %d rows of %d until %s, want %d", n, len(windows), end, rows-broken)
		}
	}
	list, _ := command(t, "dlq", "list", "-c", r.path)
	if strings.Count(list, "malformed_row") != 2*broken {
		t.Errorf("dead letters:\n%s", list)
	}
	expect(t, exit.Failure, "4 left open: they are rows of reports", r.args("dlq", "replay", "--all")...)
	expect(t, exit.OK, "discarded 4", r.args("dlq", "discard", "--all", "--note", "read again")...)
}

// Rows that cannot be read become dead letters, which are listed, shown, counted and discarded, and no replay sends
// them. The others go to a topic of Kafka.
func TestReportsToKafka(t *testing.T) {
	beside(t)
	b := newBus(t, 1)
	b.write("app_key", emulator.DefaultAppKey)
	b.write("reports.yaml", `
customerio: {app_key_file: `+b.path("app_key")+`}
dead_letters: {create: true}
reports:
  - {name: deliveries, type: deliveries_export, params: {of: {campaign: 7}}, to: {topic: customerio.reports}}
`)
	args := func(args ...string) []string {
		return append(args, "-c", b.path("ciobridge.yaml"), "-c", b.path("reports.yaml"))
	}
	b.configureKafka()
	err := b.cio.SetExports(emulator.Exports{Takes: time.Millisecond, Rows: 10, Malformed: []int{5}})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, exit.Broker, "", args("reports", "run", "deliveries")...)
	createTopics(t, b.brokers[0], 2, reportsSubject)
	out, code := command(t, args("reports", "run", "deliveries", "--dry-run", "-o", "csv")...)
	if code != exit.OK || len(lines(out)) != 10 || !strings.HasPrefix(out, "event_id,content_hash,") {
		t.Errorf("exit code %d, shown\n%s", code, out)
	}
	expect(t, exit.OK, `"published":9,"unchanged":0,"malformed":1`, args("reports", "run", "deliveries", "-o",
		"json")...)
	list, _ := command(t, args("dlq", "list", "--reason", "malformed_row", "-o", "json")...)
	var letter struct{ ID, Stage, Field string }
	if err := json.Unmarshal([]byte(list), &letter); err != nil || letter.Stage != "report" ||
		letter.Field != "line 5" {
		t.Errorf("letters %s, %v", list, err)
	}
	expect(t, exit.OK, "report/deliveries/0@5", args("dlq", "show", letter.ID)...)
	expect(t, exit.OK, "report/deliveries", args("dlq", "stats")...)
	expect(t, exit.Failure, "1 left open: they are rows of reports", args("dlq", "replay", "--all")...)
	expect(t, exit.Input, "", args("dlq", "edit", letter.ID, "--with", b.path("app_key"))...)
	expect(t, exit.OK, "", args("dlq", "discard", "--all", "--note", "read again")...)
	expect(t, exit.OK, "no open letter", args("dlq", "list")...)
}

// A report of several workspaces reads each, and every row says from which it is.
func TestReportsOfWorkspaces(t *testing.T) {
	beside(t)
	r := withReports(t, `
reports:
  - {name: campaigns, type: campaigns, workspaces: ["", shop_us], to: {subject: customerio.reports},
     params: {steps: 3}}
`)
	if _, err := r.cio.Send(emulator.Sending{Source: "campaign:7", To: []string{"email:a@example.com"}}); err != nil {
		t.Fatal(err)
	}
	second := fmt.Sprintf("customerio.workspaces={shop_us: {region: eu, url: %q, site_id_file: %s, api_key_file: %s, "+
		"app_key_file: %s}}", r.server.URL, r.world.path("site_id"), r.world.path("api_key"), r.world.path("app_key"))
	expect(t, exit.OK, `"workspace":"shop_us"`, r.args("reports", "run", "campaigns", "-o", "json", "--set", second)...)
	rows := r.published()
	revisions(t, rows)
	workspaces := map[string]int{}
	for _, row := range rows {
		workspaces[row.Workspace]++
	}
	if fmt.Sprint(workspaces) != "map[:3 shop_us:3]" {
		t.Errorf("rows by workspace: %v", workspaces)
	}
	expect(t, exit.OK, "", r.args("reports", "run", "campaigns", "--workspace", "shop_us", "--set", second)...)
	if again := r.published(); len(again) != len(rows) {
		t.Errorf("%d rows, and then %d", len(rows), len(again))
	}
}

// A run by hand that is interrupted says how it goes on.
func TestReportsInterrupted(t *testing.T) {
	beside(t)
	r := withReports(t, `
reports:
  - {name: deliveries, type: deliveries_export, params: {of: {campaign: 7}}, to: {subject: customerio.reports}}
`)
	if err := r.cio.SetExports(emulator.Exports{Takes: time.Hour, Rows: 10}); err != nil {
		t.Fatal(err)
	}
	p := start(t, r.args("reports", "run", "deliveries")...)
	eventually(t, "an export is begun", 20*time.Second, func() bool {
		out, _ := command(t, r.args("reports", "status")...)
		return strings.Contains(out, " open ")
	})
	if code := p.stop(); code != exit.Failure || !strings.Contains(p.log.String(),
		"interrupted; what was published is known: ciobridge reports run deliveries finishes it") {
		t.Errorf("exit code %d:\n%s", code, p.log)
	}
}

// Every section of reports that the documents show is one that check takes.
func TestSectionsOfTheDocumentOfReports(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/reports.md")
	if err != nil {
		t.Fatal(err)
	}
	b := newBus(t, 1)
	path := b.configureKafka()
	sections := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	for _, section := range sections {
		b.write("reports.yaml", "customerio: {app_key_env: APP_KEY}\n"+section[1])
		expect(t, exit.OK, "note: the report", "check", "-c", path, "-c", b.path("reports.yaml"))
	}
	if len(sections) < 6 {
		t.Errorf("only %d sections", len(sections))
	}
}

// A place that is read takes no reports: they would go round in circles.
func TestReportsDoNotGoInCircles(t *testing.T) {
	t.Parallel()
	r := withReports(t, `
reports:
  - {name: segments, type: segments, to: {subject: events}}
`)
	p := start(t, r.args("run")...)
	if code := <-p.code; code != exit.Input || !strings.Contains(p.log.String(), "reports[0].to.subject") ||
		!strings.Contains(p.log.String(), "is kept by stream EVENTS, which the source reads too") {
		t.Errorf("exit code %d, log:\n%s", code, p.log)
	}
	expect(t, exit.Input, "", r.args("reports", "run", "segments")...)
}

// Who runs a report by hand learns from the exit code that Customer.io could not give it.
func TestReportsThatCustomerioCannotGive(t *testing.T) {
	t.Parallel()
	r := withReports(t, `
reports:
  - {name: deliveries, type: deliveries_export, params: {of: {campaign: 7}}, to: {subject: customerio.reports}}
`)
	if err := r.cio.SetExports(emulator.Exports{Fail: 3}); err != nil {
		t.Fatal(err)
	}
	expect(t, exit.CustomerIO, "", r.args("reports", "run", "deliveries")...)
	if left := r.cio.Exports().Fail; left > 0 {
		t.Errorf("%d exports are yet to fail", left)
	}
}

// While the App key is refused a bridge says so and carries events; it takes up a new key by itself, and runs the
// report that had to wait.
func TestReportsWaitForTheAppKey(t *testing.T) {
	beside(t)
	r := withReports(t, `
reports:
  - {name: segments, type: segments, to: {subject: customerio.reports}}
`)
	r.write("app_key", "revoked")
	p := start(t, r.args("run")...)
	url := p.admin(t)
	answers(t, url+"/readyz", http.StatusServiceUnavailable, "not ready: reports: ", "App key")
	r.produce(10)
	r.arrive(20 * time.Second)
	expect(t, exit.Credentials, "", r.args("reports", "run", "segments")...)
	r.write("app_key", emulator.DefaultAppKey)
	answers(t, url+"/readyz", http.StatusOK, "ready\n")
	expect(t, exit.OK, "done", r.args("reports", "run", "segments")...)
	if code := p.stop(); code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(p.log.String(), "revoked") {
		t.Error("a key in the log")
	}
}
