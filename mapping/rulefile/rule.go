package rulefile

import (
	"slices"
	"strings"
	"sync"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/internal/yamltree"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/brake"
)

// ruleKeys are the keys of a rule. It is set when the program starts, since a rule's keys hold keys of steps.
var ruleKeys = table[mapping.Rule]{
	{yamltree.Row{Key: "name",
		Meaning: "The name of the rule, which no other has. It is part of the identity of the rule's " +
			"calls.",
		Example: "order",
		Form:    yamltree.InText, Required: true},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Name = r.text(n) }},
	{yamltree.Row{Key: "event",
		Meaning: "The types of events that the rule is for. `*` stands for any run of characters.",
		Example: "shop.order.*",
		Form:    yamltree.InText, Many: yamltree.OneOrMany, Required: true},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) {
			rule.EventPos, rule.Event = n.Place, oneOrList(r, n, r.text)
		}},
	{yamltree.Row{Key: "if",
		Meaning: "The rule is left out unless this is true.",
		Example: ".total > 0",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.If = r.program(n) }},
	{yamltree.Row{Key: "require",
		Meaning: "Values without which the event is a dead letter.",
		Example: "[.customer.id, .total]",
		Form:    yamltree.InExpression, Many: yamltree.OneOrMany},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Require = oneOrList(r, n, r.program) }},
	{yamltree.Row{Key: "workspace",
		Meaning: "The workspace to which the rule's calls go, by its name in `customerio.workspaces`. Left out, it " +
			"is the one of `customerio` itself.",
		Example: "shop_us",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Workspace = r.text(n) }},
	{yamltree.Row{Key: "owner",
		Meaning: "Who answers for the rule. Logs, metrics and the status name them.",
		Example: "crm-team",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Brakes.Owner = r.owner(n) }},
	{yamltree.Row{Key: "on_failure",
		Meaning: "What becomes of the rule when more than `dead_letters.stop_share` of its last results failed: " +
			"`stop` holds its events, `dead_letter` lets what fails become dead letters, however much that is.",
		Example: "dead_letter", Default: brake.Stop,
		Form: yamltree.InText, Choices: []string{brake.Stop, brake.DeadLetter}},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) {
			rule.Brakes.OnFailure = r.oneOf(n, brake.Stop, brake.DeadLetter)
		}},
	{yamltree.Row{Key: "new_people",
		Meaning: "Stops the rule when it names more people in some time whom the bridge has not met before.",
		Example: "{limit: 1000, per: 1h}",
		Form:    yamltree.InnerMap, Inside: newPeopleKeys.rows},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) {
			readMap(r, n, newPeopleKeys, &rule.Brakes.NewPeople)
		}},
	{yamltree.Row{Key: "do",
		Meaning: "The steps, each of which makes calls of one action, in order.",
		Example: "[{track: {person: .user_id, name: order_placed}}]",
		Form:    yamltree.InnerMap, Many: yamltree.ListOf, Required: true, Inside: stepRows},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Do = list(r, n, r.action) }},
	{yamltree.Row{Key: "time",
		Meaning: "The event's time, in place of the envelope's.",
		Example: ".placed_at",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Time = r.program(n) }},
	{yamltree.Row{Key: "id",
		Meaning: "The event's identity, in place of the envelope's.",
		Example: ".event_id",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.ID = r.program(n) }},
	{yamltree.Row{Key: "id_scope",
		Meaning: "Keeps apart the ids of producers that number their events alike.",
		Example: "shop-eu",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.IDScope = r.text(n) }},
	{yamltree.Row{Key: "send",
		Meaning: "With `false` the rule is tried out: its calls are made, counted and shown by `ciobridge map`, and " +
			"never sent, and what fails is no dead letter.",
		Example: "false", Default: "true",
		Form: yamltree.InBool},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Unsent = !r.truth(n) }},
	{yamltree.Row{Key: "revive",
		Meaning: "With `erasure`: an event of this rule that comes after its person was deleted brings the person " +
			"back.",
		Example: "true", Default: "false",
		Form: yamltree.InBool},
		func(r *reader, n *yamltree.Node, rule *mapping.Rule) { rule.Revives = r.truth(n) }},
}

func (r *reader) rule(node *yamltree.Node) mapping.Rule {
	rule := mapping.Rule{Pos: node.Place}
	before := r.mistakes.Len()
	if !readMap(r, node, ruleKeys, &rule) || r.mistakes.Len() > before {
		return rule
	}
	for _, empty := range []struct {
		key string
		is  bool
	}{{"name", rule.Name == ""}, {"event", len(rule.Event) == 0}, {"do", len(rule.Do) == 0}} {
		if empty.is {
			r.fail(node.Get(empty.key), "is empty")
		}
	}
	return rule
}

// stepKeys are the keys of a step beside the action's own.
var stepKeys = table[mapping.Action]{
	{yamltree.Row{Key: "each",
		Meaning: "The call is made once for each output, which expressions of the step read as `$item`.",
		Example: "'.items[]'",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Each = r.program(n) }},
	{yamltree.Row{Key: "if",
		Meaning: "The call is left out unless this is true.",
		Example: ".total > 100",
		Form:    yamltree.InExpression},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.If = r.program(n) }},
	{yamltree.Row{Key: "call",
		Meaning: "The call's name inside the rule, which is part of its identity. Left out, it is made of " +
			"the action and its name or number.",
		Example: "bought",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Call = r.text(n) }},
	{yamltree.Row{Key: "workspace",
		Meaning: "The workspace to which the call goes, where it is another than the rule's.",
		Example: "shop_us",
		Form:    yamltree.InText},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Workspace = r.text(n) }},
	{onInvalidRow,
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.OnInvalid = mapping.Policy(r.text(n)) }},
	{eraseRow, func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Erase = oneOrList(r, n, r.nothing) }},
}

// stepTable has a step's keys, those of a choice, and a key for each action. It is made when it is first asked for:
// many commands read no rules.
var stepTable = sync.OnceValue(func() table[mapping.Action] {
	return slices.Concat(stepKeys, choiceKeys, actionKeys())
})

var stepRows = sync.OnceValue(func() []yamltree.Row { return stepTable().rows() })

func actionKeys() table[mapping.Action] {
	var t table[mapping.Action]
	for _, action := range customerio.Actions() {
		name, fields := action.Operation().Name, fieldKeys(action.Operation())
		t = append(t, row[mapping.Action]{
			yamltree.Row{Key: name, Form: yamltree.InnerMap, Inside: fields.rows,
				Meaning: sentence(action.Operation().Purpose), Example: exampleOf(action.Operation(), fields)},
			func(r *reader, n *yamltree.Node, a *mapping.Action) {
				if a.Action != 0 {
					r.fail(n, "one action in each element of do; give %s an element of its own", name)
					return
				}
				a.Action = action
				readMap(r, n, fields, a)
			},
		})
	}
	return t
}

// sentence is a text as a sentence of its own.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// exampleOf is an action with the fields that it needs, among them those in whose place others would have to be given.
func exampleOf(op *customerio.Operation, fields table[mapping.Action]) string {
	var parts []string
	for _, f := range fields {
		others := func(o customerio.Field) bool { return o.Unless == f.Key }
		if f.Required || slices.ContainsFunc(op.Fields, others) {
			parts = append(parts, f.Key+": "+f.Example)
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (r *reader) action(node *yamltree.Node) mapping.Action { return r.step(node, stepTable()) }

func actionNames() []string { return actionKeys().keys() }

// fieldKeys are the keys of an action.
func fieldKeys(op *customerio.Operation) table[mapping.Action] {
	var t table[mapping.Action]
	for i := range op.Fields {
		f := &op.Fields[i]
		row, ok := fieldKinds[f.Kind]
		switch {
		case f.Kind == customerio.PersonField || f.Kind == customerio.OtherPersonField:
			row = personRow(f)
		case f.Kind == customerio.RequestField:
			row = requestRow(f)
		case !ok:
			row = operandRow(f)
		}
		row.Key, row.Required = f.Key, f.Required
		t = append(t, row)
	}
	return t
}

// fieldKinds are the fields that actions have. What stands in a required one is looked at when it is compiled.
var fieldKinds = map[customerio.FieldKind]row[mapping.Action]{
	customerio.NameField: {yamltree.Row{
		Meaning: "The name of the event, page or screen: an expression or a literal.",
		Example: "order_placed",
		Form:    yamltree.InValue},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Name = r.value(n) }},
	customerio.AttributesField: {withMeaning("Attributes of the person: a map of names to values, an expression that "+
		"gives an object, or a list of both, of which the later counts.", "{plan: .plan, seen: .at | unix}"),
		readValues},
	customerio.DataField: {withMeaning("What the event tells: a map of names to values, an expression that gives an "+
		"object, or a list of both, of which the later counts.", "{total: .total, currency: EUR}"), readValues},
	customerio.ExceptField: {yamltree.Row{
		Meaning: "Members of whole objects that are not sent.",
		Example: "[password]",
		Form:    yamltree.InText, Many: yamltree.OneOrMany},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Except = oneOrList(r, n, r.text) }},
	customerio.TimestampField: {yamltree.Row{
		Meaning: "Since when the attributes are so: an expression, or the word `event` for the event's time. An " +
			"older one is ignored by Customer.io.",
		Example: ".updated_at",
		Form:    yamltree.InValue},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Timestamp = r.value(n) }},
	customerio.RemovalsField: {yamltree.Row{
		Meaning: "Attributes that are removed from the person.",
		Example: "[trial_ends_at]",
		Form:    yamltree.InText, Many: yamltree.OneOrMany},
		func(r *reader, n *yamltree.Node, a *mapping.Action) { a.Remove = oneOrList(r, n, r.text) }},
}
