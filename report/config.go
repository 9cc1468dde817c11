package report

import "time"

// A Config is one report: what is read, from which workspaces, when, and where it is published.
type Config struct {
	// Name tells reports apart. It stands in the ids of events, so that a report with another name is another report.
	Name string `yaml:"name"`
	// Type is one of Types.
	Type string `yaml:"type,lower"`
	// Workspaces are the names of the workspaces that are read; empty means the first, whose name is empty too.
	Workspaces []string `yaml:"workspaces"`
	// Schedule is a cron expression of five fields in UTC, or one with CRON_TZ= before it, or "daily at 06:00 in
	// America/Los_Angeles", which it is where nothing is said.
	Schedule string `yaml:"schedule"`
	// Params are those of the type.
	Params Params `yaml:"params"`
	// To is where rows are published.
	To To `yaml:"to"`
}

// Params are what the types of reports can be told. Each type knows some of them; Validate refuses the others.
type Params struct {
	Segments    []string          `yaml:"segments"`          // names or ids
	Members     bool              `yaml:"members"`           // of segments, who is in them
	Filter      string            `yaml:"filter"`            // of people, as JSON
	Attributes  []string          `yaml:"attributes"`        // of people; empty means all
	MetricType  string            `yaml:"metric_type,lower"` // email, webhook, twilio …
	Period      string            `yaml:"period,lower"`      // hours, days, weeks or months
	Steps       *int              `yaml:"steps"`             // how many periods; nil means the API's default
	Links       bool              `yaml:"links"`             // link metrics too
	UniqueLinks bool              `yaml:"unique_links"`      // a person counts once for a link
	Resolution  string            `yaml:"resolution,lower"`  // the newer form of campaigns, which goes by start and end
	Since       time.Duration     `yaml:"since"`             // how far back the newer form goes, and the first run of others
	Of          map[string]string `yaml:"of"`                // of which deliveries are exported: {campaign: 7}
	Metric      string            `yaml:"metric,lower"`      // deliveries that had it
	Drafts      bool              `yaml:"drafts"`
	Activities  []string          `yaml:"activities"` // types of activities; empty means those of failures
}

// To is a place for rows: exactly one of Topic, Subject and File.
type To struct {
	Topic   string `yaml:"topic"`
	Subject string `yaml:"subject"`
	File    string `yaml:"file"`         // a path, or - for standard output
	Format  string `yaml:"format,lower"` // of a file: ndjson or csv
}

// In lists the workspaces that are read, by their names; that of the first is empty.
func (c Config) In() []string {
	if len(c.Workspaces) == 0 {
		return []string{""}
	}
	return c.Workspaces
}
