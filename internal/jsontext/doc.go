// Package jsontext writes JSON texts. Strings that the bridge makes itself while it maps, in calls as in the values of
// expressions, all get their quotes from AppendString, in the form that jq writes. Of is for what is written seldom,
// such as the literals of rules, in the form of encoding/json.
package jsontext
