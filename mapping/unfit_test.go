package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ciobridge/ciobridge/event"
	"github.com/ciobridge/ciobridge/mapping"
	"github.com/ciobridge/ciobridge/mapping/explain"
)

// members is an object of numbered members, as JSON.
func members(n int, value string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"m%d":%s`, i, value))
	}
	return "{" + strings.Join(all, ",") + "}"
}

// Of too many attributes those that a rule names are sent, wherever they stand.
func TestTooManyAttributesCostTheLast(t *testing.T) {
	for _, attributes := range []string{"[.o, {plan: .plan}]", "[{plan: .plan}, .o]"} {
		for n, left := range map[int]int{299: 0, 300: 1, 301: 1, 5000: 1} {
			r := compileText(t, inRule("identify: {person: .id, attributes: "+attributes+"}"))
			got := r.Explain(message(`{"type":"e","id":"1","plan":"pro","o":` + members(n, "1") + `}`))
			if len(got.Calls) != 1 || len(got.Failures) != 0 || len(got.Remarks) != left {
				t.Fatalf("%s, %d: %d calls, %v, %v", attributes, n, len(got.Calls), got.Failures, got.Remarks)
			}
			body := string(got.Calls[0].Body)
			if sent := strings.Count(body, `":1`); sent != min(n, 299) || !strings.Contains(body, `"plan":"pro"`) {
				t.Errorf("%s, %d: %d are sent: %.200s", attributes, n, sent, body)
			}
		}
	}
	r := compileText(t, inRule("identify: {person: .id, attributes: .o}\n        on_invalid: dead_letter"))
	if f := failOne(t, r, message(`{"type":"e","id":"1","o":`+members(301, "1")+`}`)); f.Reason != event.ReasonTooLarge {
		t.Errorf("%+v", f)
	}
}

// An event whose members do not fit costs neither memory nor time without end, and metrics no more than some names.
func TestMembersThatDoNotFitAreBounded(t *testing.T) {
	unfit := func(n int) string { return strings.ReplaceAll(members(n, "1"), `"m`, `"_m`) } // reserved names
	r := compileText(t, inRule("identify: {person: .id, attributes: .o}"))
	got := r.Explain(message(`{"type":"e","id":"1","o":` + unfit(300) + `}`))
	if len(got.Calls) != 1 || len(got.Remarks) != 300 || got.Remarks[0].Why != explain.ValueLeftOut {
		t.Fatalf("%d calls, %v, %d remarks", len(got.Calls), got.Failures, len(got.Remarks))
	}
	var values uint64
	for _, u := range r.Unfit() {
		values += u.Values
	}
	if n := len(r.Unfit()); n != 21 || values != 300 {
		t.Errorf("%d places and %d values are told apart", n, values)
	}
	f := failOne(t, r, message(`{"type":"e","id":"1","o":`+unfit(302)+`}`))
	if f.Reason != event.ReasonTooLarge || !strings.Contains(f.Detail, "more than 300 members that do not fit") {
		t.Errorf("%+v", f)
	}
	r = compileText(t, inRule("each: .items[]\n        identify: {person: .id, attributes: .o}"))
	items := strings.TrimSuffix(strings.Repeat("1,", 5000), ",")
	text := `{"type":"e","id":"1","items":[` + items + `],"o":` + unfit(290) + `}`
	f = failOne(t, r, message(text))
	if !strings.Contains(f.Detail, "more than 10,000 values of the event do not fit") {
		t.Errorf("%+v", f)
	}
}

// A call that fails in another place has left nothing out.
func TestWhatFailsHasLeftNothingOut(t *testing.T) {
	r := compileText(t, inRule("identify: {person: .id, attributes: {bio: .bio, plan!: .plan}}"))
	failOne(t, r, message(`{"type":"e","id":"1","bio":["`+strings.Repeat("x", 1000)+`"]}`))
	if got := r.Unfit(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestOnInvalidIsPartOfTheHash(t *testing.T) {
	hash := func(c mapping.Config) string {
		c.OnUnmatched = mapping.DeadLetter
		r, err := mapping.Compile(c)
		if err != nil {
			t.Fatal(err)
		}
		return r.Hash()
	}
	if hash(mapping.Config{}) == hash(mapping.Config{OnInvalid: mapping.Truncate}) {
		t.Error("the hash does not tell the policy")
	}
}
