package expr

import (
	"strings"
	"testing"
)

func TestValuesOfTwoKindsHaveNoOrder(t *testing.T) {
	const (
		text    = "compares a string with a number; make the string a number with tonumber"
		missing = "compares null with a number; where it may be missing, write (.x // 0)"
	)
	raw := `{"total":"0.00","n":0,"none":null,"list":[3,1,"2"],"flag":true}`
	for src, want := range map[string]string{
		`.total > 0`: text, `.total >= 0`: text, `.total < 0`: text, `.total <= 0`: text, `.total > .n`: text,
		`[.total] | map(. > 0)`: text,
		`.none > 0`:             missing, `.gone > 0`: missing, `.gone >= .n`: missing,
		`.list | map(select(. > 0))`:                 text,
		`any(.list[]; . < 0)`:                        text,
		`.total as $t | if $t > 0 then 1 else 2 end`: text, `def big: . > 100; .total | big`: text,
		`[.list[] | . >= 2]`: text,
		`.flag > 0`:          "compares a boolean with a number", `[] > {}`: "compares an array with an object",
		`.none < "2026"`: `compares null with a string; where it may be missing, write (.x // "")`,
		`0 < .total`:     text,
	} {
		v, err := runOne(t, src, raw)
		if err == nil || err.Error() != want && (want != text ||
			!strings.Contains(err.Error(), "make the string a number with tonumber")) {
			t.Errorf("%s gave %s, %v", src, v.Raw, err)
		}
	}
	for src, want := range map[string]string{
		`(.total | tonumber) > 0`: "false", `(.gone // 0) > 0`: "false", `.total == 0`: "false",
		`.total != 0`: "true", `(.total > 0)? // "no"`: `"no"`,
		`.list | sort`: `[1,3,"2"]`, `.list | min_by(.)`: "1", `.list | max`: `"2"`, `.flag > false`: "true",
		`.none <= null`: "true", `"a" < "b"`: "true",
		`-5 | abs`: "5", `[limit(1; .list[])]`: "[3]",
	} {
		if v, err := runOne(t, src, raw); err != nil || string(v.Raw) != want {
			t.Errorf("%s gave %s, %v", src, v.Raw, err)
		}
	}
}

func TestWarningsOfComparisonsThatAlwaysFail(t *testing.T) {
	for src, want := range map[string]int{
		`"0" > 0`: 1, `.a | tostring > 0`: 1, `(.a | tostring) > 0`: 1, `if (.a | length) > "3" then 1 else 2 end`: 1,
		`[.a] < 1`: 1, `"\(.a)" >= 5`: 1, `.a | select(null < 1)`: 1,
		`.a > 0`: 0, `"a" < "b"`: 0, `"0" == 0`: 0, `(.a | tonumber) > 0`: 0, `.a > "x"`: 0, `(.a > 1) < (.b > 2)`: 0,
		`(.a // "x") > 0`: 0, `.a[0] > 0`: 0,
	} {
		p, err := NewSet().Compile(src)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Warnings(); len(got) != want {
			t.Errorf("%s: %q", src, got)
		}
	}
}
