// Package expr reads strict JSON documents and runs jq programs over their bytes.
//
// It owns what counts as an acceptable document, the one pass that validates a document and finds every value that the
// programs of a Set want, the fast form in which simple programs run on those bytes, and the instrumented use of gojq for all
// others, which get no more of a document than they read. A Document remembers the keys of those that it parsed before, so that the
// next one costs less. The package knows nothing of rules, messages or Customer.io.
package expr
