// Package canarytest searches what tests get to see of the bridge for what is personal or secret.
//
// Tests put the word "canary" into the identifiers, the values and the credentials that they make up: Person, Email and
// Secret have it. What a test then collects of logs, metrics, headers, answers and errors must not have it. Logger and
// Registry stand in for the usual ones and search all that was written to them when the test ends; Text and Error
// search at once. They find the word in any case, and in hexadecimal and base64 too. Nothing of it is part of the
// product.
//
// Begin reading with Text.
package canarytest
