package registry

import (
	"fmt"
	"net/http"
	"strconv"
)

// Schema is a schema as the registry has it.
type Schema struct {
	Type string // AVRO, PROTOBUF or JSON
	Text string
	// References are the schemas that it uses, directly or by others. Each stands behind those that it uses itself.
	References []Reference
}

// Reference is a schema that another one uses.
type Reference struct {
	Name string // by which the other one refers to it
	Text string
}

// Ref names a schema: by its GUID where it has one, and else by its number.
type Ref struct {
	ID   uint32
	GUID [16]byte
}

func (r Ref) hasGUID() bool { return r.GUID != [16]byte{} }

// String is the number, or the GUID as a UUID.
func (r Ref) String() string {
	if !r.hasGUID() {
		return strconv.FormatUint(uint64(r.ID), 10)
	}
	g := r.GUID
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[:4], g[4:6], g[6:8], g[8:10], g[10:])
}

// UnknownError says that the registry has no such schema.
type UnknownError struct{ Ref Ref }

// Error names the schema.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("the schema registry has no schema %s", e.Ref)
}

// ReferenceError says that the registry has a schema and not all that it refers to, or that this is too much.
type ReferenceError struct {
	Ref  Ref
	many bool
}

// Error names the schema.
func (e *ReferenceError) Error() string {
	if e.many {
		return fmt.Sprintf("schema %s refers to more than %d others", e.Ref, maxReferences)
	}
	return fmt.Sprintf("schema %s refers to one that the schema registry does not have", e.Ref)
}

// StatusError is an answer that is none to the question: that of a proxy, of a wrong path, or of a registry that has
// trouble.
type StatusError struct{ Status int }

// Error names the status and what may be wrong.
func (e *StatusError) Error() string {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("the schema registry refuses the credentials (status %d)", e.Status)
	case http.StatusNotFound, http.StatusOK:
		return fmt.Sprintf("what answers is no schema registry (status %d): look at schema_registry.url", e.Status)
	}
	return fmt.Sprintf("the schema registry has trouble (status %d)", e.Status)
}
