package read

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/ciobridge/ciobridge/customerio"
	"github.com/ciobridge/ciobridge/customerio/sending"
	"github.com/ciobridge/ciobridge/internal/mistake"
	"github.com/ciobridge/ciobridge/report"
)

// lookup is how many people Customer.io shows at once.
const lookup = 100

var filterField = customerio.Field{
	Value: customerio.FilterValue, Members: []string{"and", "or", "not", "segment", "attribute"},
}

// checkPeople looks at whom a report is about.
func checkPeople(p report.Params, l *mistake.List) {
	checkTexts("segments", p.Segments, l)
	checkTexts("attributes", p.Attributes, l)
	if p.Segments == nil && p.Filter == "" {
		l.Add(at("params.segments"), "is missing: give segments or a filter; everybody is "+
			`filter: '{"attribute":{"field":"cio_id","operator":"exists"}}'`)
	}
	if p.Filter != "" {
		if what, _ := sending.Check(&filterField, []byte(p.Filter)); what != "" {
			l.Add(at("params.filter"), "%s", what)
		}
	}
}

// filter is the condition for the people of a report: those of any of its segments, for whom its filter holds.
func (j *job) filter(ctx context.Context) (json.RawMessage, error) {
	own := json.RawMessage(j.params.Filter)
	if len(j.params.Segments) == 0 {
		return own, nil
	}
	chosen, err := j.segments(ctx, j.params.Segments)
	if err != nil {
		return nil, err
	}
	var several []json.RawMessage
	for _, s := range chosen {
		id, is := s.number("id")
		if !is {
			return nil, fmt.Errorf("list the segments: %w", errShape)
		}
		several = append(several, json.RawMessage(fmt.Sprintf(`{"segment":{"id":%d}}`, id)))
	}
	of := several[0]
	if len(several) > 1 {
		if of, err = canonical(map[string]any{"or": several}); err != nil {
			return nil, err
		}
	}
	if len(own) == 0 {
		return of, nil
	}
	return canonical(map[string]any{"and": []json.RawMessage{own, of}})
}

// readPeople finds the people whom a report is about, and looks each up.
func readPeople(ctx context.Context, j *job) error {
	filter, err := j.filter(ctx)
	if err != nil {
		return err
	}
	body, err := canonical(map[string]any{"filter": filter})
	if err != nil {
		return err
	}
	const doing = "search for people"
	var seen recent
	return j.pages(ctx, doing, "/v1/customers?limit=1000", body, func(page object) (bool, error) {
		var people []object
		seen.turn()
		err := page.people(doing, func(who object) error {
			if !seen.again(personOf(who)) {
				people = append(people, who)
			}
			return nil
		})
		if err != nil {
			return false, err
		}
		return true, j.lookUp(ctx, people)
	})
}

// lookUp shows people with their attributes. Those who have no id cannot be asked for with others.
func (j *job) lookUp(ctx context.Context, people []object) error {
	var together []object
	for _, who := range people {
		if who.text("id") != "" {
			together = append(together, who)
		} else if err := j.lookUpOne(ctx, who); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(together, lookup) {
		if err := j.lookUpSome(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// lookUpSome looks up people by their ids. Who is not shown is not there any more. Where the answer is too long it asks
// for fewer at once.
func (j *job) lookUpSome(ctx context.Context, people []object) error {
	const doing = "look people up"
	ids, byID := make([]string, len(people)), map[string]object{}
	for i, who := range people {
		ids[i] = who.text("id")
		byID[ids[i]] = who
	}
	body, err := canonical(map[string]any{"ids": ids})
	if err != nil {
		return err
	}
	ask := posting("/v1/customers/attributes", body)
	if len(people) > 1 {
		ask.Keep = keepPeople
	}
	raw, err := j.ask(ctx, doing, ask)
	if errors.Is(err, errTooLong) && len(people) > 1 {
		half := len(people) / 2
		if err := j.lookUpSome(ctx, people[:half]); err != nil {
			return err
		}
		return j.lookUpSome(ctx, people[half:])
	}
	if err != nil {
		return err
	}
	page, err := decode(doing, raw)
	if err != nil {
		return err
	}
	return page.list(doing, "customers", func(p object) error {
		if wrapped := p.inner("customer"); wrapped != nil {
			p = wrapped
		}
		id := p.text("id")
		if id == "" {
			id = p.inner("identifiers").text("id")
		}
		who := byID[id]
		if who == nil {
			return fmt.Errorf("%s: somebody is shown who was not asked for: %w", doing, errShape)
		}
		return j.person(who, p)
	})
}

// lookUpOne looks up somebody by another identifier.
func (j *job) lookUpOne(ctx context.Context, who object) error {
	const doing = "look up somebody without an id"
	by, name := "cio_id", "cio_"+strings.TrimPrefix(who.text("cio_id"), "cio_")
	if who.text("cio_id") == "" {
		by, name = "email", who.text("email")
	}
	// Unlike a path's own rules, Customer.io takes a plus sign and an at sign only if they are encoded.
	path := "/v1/customers/" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20") + "/attributes?id_type=" + by
	raw, err := j.get(ctx, doing, path)
	if missing(err) {
		return nil
	} else if err != nil {
		return err
	}
	answer, err := decode(doing, raw)
	if err != nil {
		return err
	}
	p := answer.inner("customer")
	if p == nil {
		return fmt.Errorf("%s: %w", doing, errShape)
	}
	return j.person(who, p)
}

// person hands on the row of somebody, with the attributes that are asked for, also those that are not there.
func (j *job) person(who, p object) error {
	p.without("timestamps") // when each attribute was set: as much again, and no longer supported
	if p["identifiers"] == nil {
		identifiers, err := canonical(who)
		if err != nil {
			return err
		}
		p["identifiers"] = identifiers
	}
	if attributes := p.inner("attributes"); j.params.Attributes != nil && attributes != nil {
		chosen := object{}
		for _, name := range j.params.Attributes {
			chosen[name] = attributes[name] // null where it has none, so that all rows have the same members
		}
		text, err := canonical(chosen)
		if err != nil {
			return err
		}
		p["attributes"] = text
	}
	return j.row(personOf(who), j.now(), p)
}
