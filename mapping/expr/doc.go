// Package expr runs jq programs over the bytes of JSON documents.
//
// A Set holds the programs of all rules. Set.Compile adds one, and Set.Seal ends the building. A Document is then
// parsed for each message, which is one pass over its bytes: it refuses what is not a strict JSON document, and notes
// where every value stands that a program of the Set reads. Program.One and Program.Each run a program on the
// Document. A Value that they give is text, either a part of the message or a part of the Document's arena, and is
// valid until the next Parse.
//
// Programs may share functions: Define reads them, and Set.CompileWith writes them out where they are called, so that
// such a program runs like one that repeats them.
//
// Most programs of rules are paths, comparisons, conditions and objects made of those. They run on the fast path:
// fastCompiler makes an expr of the syntax tree, and Document.eval runs that on the raw bytes, without gojq and
// without allocating. All other programs run on gojq, with limits. What gojq is given of a document is no more than
// the program reads. Both give the same outputs and fail on the same documents, which the tests hold against gojq
// itself.
//
// The packages below can be read alone, and import each other downwards only:
//
//   - document reads JSON: validation, the places that are wanted, the key cache, values as text, times
//   - limits is what one run may use, and the error with which a run ends
//   - syntax knows gojq's syntax trees: walking, building, seeing constants, and writing out shared functions
//   - projection finds what a program reads of a document, and decodes that alone
//   - jq checks programs, and runs them on gojq within the limits
//
// A Set and its Programs are safe for use by several goroutines once the Set is sealed. A Document belongs to one
// goroutine at a time; callers keep a pool. The package starts no goroutine. Its one lock is in jq.Program, around
// the copies of a compiled program that are idle, and is held for nothing else.
//
// Begin reading with Set.Compile in set.go and Program.One in program.go, then fastpath.go for what an expr is.
package expr
