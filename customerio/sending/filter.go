package sending

import (
	"encoding/json"

	"github.com/ciobridge/ciobridge/internal/choice"
)

// maxFilterDepth is far above what anybody writes.
const maxFilterDepth = 20

func checkFilter(known []string, v any, depth int) string {
	m, _ := v.(object)
	if len(m) != 1 || depth > maxFilterDepth {
		return "is no filter: want objects with one of " + choice.List(known)
	}
	for name, inner := range m {
		operand, _ := inner.(object)
		switch name {
		case "and", "or":
			list, _ := inner.([]any)
			if len(list) == 0 {
				return "has an " + name + " that is no list of filters"
			}
			for _, v := range list {
				if what := checkFilter(known, v, depth+1); what != "" {
					return what
				}
			}
		case "not":
			return checkFilter(known, inner, depth+1)
		case "segment":
			if n, ok := operand["id"].(json.Number); !ok || !isPositive(n) {
				return "has a segment whose id is no whole number from 1 on"
			}
		case "attribute":
			return checkCondition(operand)
		default:
			return "is no filter: want objects with one of " + choice.List(known)
		}
	}
	return ""
}

func checkCondition(m object) string {
	name, _ := m["field"].(string)
	_, valued := m["value"]
	switch {
	case name == "":
		return "has an attribute without field"
	case m["operator"] != "eq" && m["operator"] != "exists":
		return "has an attribute whose operator is neither eq nor exists"
	case m["operator"] == "eq" && !valued:
		return "has an attribute without the value that eq compares"
	}
	return ""
}

func isPositive(n json.Number) bool {
	i, err := n.Int64()
	return err == nil && i > 0
}
