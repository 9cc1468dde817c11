// Package syntax knows gojq's syntax trees. Visitor walks one and shows its parts, which may be changed in place; the
// functions of build.go make parts of a tree; those of constant.go see whether a part is a constant. The package runs
// nothing, and has no state.
package syntax
