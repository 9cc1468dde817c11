package config

import (
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
)

// Destination is the workspace to which calls go, and further ones to which rules send by name.
type Destination struct {
	customerio.Config `yaml:",inline"`
	Workspaces        Workspaces `yaml:"workspaces"`
}

// Workspaces are those that rules send to by name, in the order of the file.
type Workspaces []Workspace

// Workspace is one of several. Its region, credentials, URL and paces are its own; what rules may do is said once, for
// all of them.
type Workspace struct {
	Name string
	customerio.Config
}

// Path is where its settings stand.
func (w Workspace) Path() string {
	if w.Name == "" {
		return "customerio"
	}
	return "customerio.workspaces." + w.Name
}

// ReadYAML reads a map of names to what stands under customerio for a single workspace.
func (w *Workspaces) ReadYAML(n *yamltree.Node) error {
	if n.Kind == yamltree.Null {
		return nil
	}
	if n.Kind != yamltree.Map {
		return mistake.New(n.Place, "want a map of names to workspaces, such as {shop_us: {region: us, …}}")
	}
	var errs []error
	*w = nil
	for _, entry := range n.Entries {
		one := Workspace{Name: entry.Key.Value, Config: customerio.DefaultConfig()}
		errs = append(errs, yamltree.Decode(entry.Value, &one.Config))
		*w = append(*w, one)
	}
	return errors.Join(errs...)
}

// Rows are the names, which may be any.
func (Workspaces) Rows() []yamltree.Row {
	return []yamltree.Row{{Form: yamltree.InnerMap, Inside: func() []yamltree.Row {
		rows := yamltree.Rows(customerio.DefaultConfig())
		return slices.DeleteFunc(rows, func(r yamltree.Row) bool { return r.Key == "allow" || r.Key == "reserved_ids" })
	}}}
}

// plainName is a name that is a metric's label and a word in rules as it stands.
var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,62}$`)

// Validate reports every mistake, each beginning with the field's name. It reads no files.
func (d Destination) Validate() error {
	errs := []error{d.Config.Validate()}
	for _, w := range d.Workspaces {
		at := "workspaces." + w.Name
		if !plainName.MatchString(w.Name) {
			errs = append(errs,
				mistake.Of("%s: want a name of letters, digits, _, - and ., that begins with a letter", at))
		}
		if len(w.Allow) > 0 {
			errs = append(errs, mistake.Of("%s.allow: is said once, in customerio.allow, for all workspaces", at))
		}
		if len(w.ReservedIDs.Add)+len(w.ReservedIDs.Allow) > 0 {
			errs = append(errs,
				mistake.Of("%s.reserved_ids: is said once, in customerio.reserved_ids, for all workspaces", at))
		}
		errs = append(errs, mistake.Under(at, w.Config.Validate()))
	}
	return errors.Join(errs...)
}

// All are the workspaces in the order of their numbers. The first has no name.
func (d Destination) All() []Workspace {
	return append([]Workspace{{Config: d.Config}}, d.Workspaces...)
}

// LongestTimeout is after how long the last request to any workspace has ended, those of rules' own included.
func (c *Config) LongestTimeout(rules *mapping.Rules) time.Duration {
	longest, _ := rules.LongestTimeout()
	for _, w := range c.CustomerIO.All() {
		longest = max(longest, w.Timeout)
	}
	return longest
}

// SetRate gives every workspace the same budget for Track, in requests a second.
func (d *Destination) SetRate(requestsPerSecond int) {
	d.RequestsPerSecond = requestsPerSecond
	for i := range d.Workspaces {
		d.Workspaces[i].RequestsPerSecond = requestsPerSecond
	}
}

// Names are those of the workspaces that have one.
func (d Destination) Names() (names []string) {
	for _, w := range d.Workspaces {
		names = append(names, w.Name)
	}
	return names
}

// named are the workspaces that rules name.
func named(rules []mapping.Rule) (names []string) {
	for i := range rules {
		names = append(names, rules[i].Workspaces()...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}
