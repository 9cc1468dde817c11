package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/rulefile"
)

// A workspace that there is not is told where it is written, once.
func TestUnknownWorkspacesAreToldWhereTheyAreWritten(t *testing.T) {
	f, err := rulefile.Parse("rules.yaml", []byte(`rules:
  - name: r
    event: e
    workspace: shop_uz
    do:
      - delete_device: {person: .id, token: t}
      - {track: {person: .id, name: seen}, workspace: shop_eu}
      - {track: {person: .id, name: left}, workspace: shp_us}
`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = mapping.Compile(mapping.Config{Rules: f.Rules, Workspaces: []string{"shop_us", "shop_eu"}})
	want := `rules.yaml:2:5: rules[0].workspace: no workspace has this name, did you mean "shop_us"?; ` +
		"customerio.workspaces has shop_us and shop_eu\n" +
		`rules.yaml:8:9: rules[0].do[2].workspace: no workspace has this name, did you mean "shop_us"?; ` +
		"customerio.workspaces has shop_us and shop_eu"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// Calls of every form wait for those of the same person in their own workspace, and for no others.
func TestCallsOfEveryFormWaitInTheirWorkspace(t *testing.T) {
	rules := compileWith(t, mapping.Config{Workspaces: []string{"other"}}, `rules:
  - name: r
    event: e
    do:
      - track: {person: .id, name: seen}
      - {track: {person: .id, name: seen}, workspace: other}
      - delete_device: {person: .id, token: t}
      - {delete_device: {person: .id, token: t}, workspace: other}
      - {add_to_segment: {person: .id, segment: 7}, workspace: other}
      - add_relationships: {person: .id, relationships: {object: {type: 1, id: o}}}
      - {add_relationships: {person: .id, relationships: {object: {type: 1, id: o}}}, workspace: other}
`)
	for range 2 { // the second message finds what the first has left behind
		calls, failures := rules.Map(new(message(`{"type":"e","id":"7"}`)))
		if len(calls) != 7 || len(failures) > 0 {
			t.Fatalf("%d calls, %v", len(calls), failures)
		}
		first, other := calls[0].Lanes[0], calls[1].Lanes[0]
		for i, c := range calls {
			want := first
			if c.Step.Workspace == "other" {
				want = other
			}
			if c.Lanes[0] != want {
				t.Errorf("call %d, %s of workspace %q, waits in another lane", i, c.Step.Call, c.Step.Workspace)
			}
		}
		if first == other || calls[5].Lanes[1] == calls[6].Lanes[1] {
			t.Error("workspaces share a lane")
		}
	}
}

// compileFor compiles rules for workspaces of these names, beside the first.
func compileFor(t *testing.T, text string, workspaces ...string) (*mapping.Rules, error) {
	t.Helper()
	file, err := rulefile.Parse("r.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return mapping.Compile(mapping.Config{Rules: file.Rules, Workspaces: workspaces})
}

// The persons of two workspaces are others: their timestamps have nothing to do with each other.
func TestTimestampsOfWorkspacesAreTheirOwn(t *testing.T) {
	const rules = `rules:
  - name: with
    event: e
    do: [{identify: {person: .id, timestamp: .at}}]
  - name: without
    event: e
    do: [{identify: {person: .id}, workspace: shop_us}]
`
	r, err := compileFor(t, rules, "shop_us")
	if err != nil || len(r.Warnings()) != 0 {
		t.Errorf("%v, warnings %v", err, r.Warnings())
	}
	if got := r.Workspaces("without", ""); !slices.Equal(got, []string{"shop_us"}) {
		t.Errorf("without goes to %q", got)
	}
	if got := r.Workspaces("with", "identify"); !slices.Equal(got, []string{""}) {
		t.Errorf("with goes to %q", got)
	}
	if got := append(r.Workspaces("with", "track"), r.Workspaces("gone", "")...); got != nil {
		t.Errorf("what is not there goes to %q", got)
	}
	r, err = compileFor(t, strings.Replace(rules, ", workspace: shop_us", "", 1), "shop_us")
	if err != nil || len(r.Warnings()) != 1 {
		t.Errorf("in one workspace: %v, warnings %v", err, r.Warnings())
	}
}
