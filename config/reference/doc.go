// Package reference makes the reference of all keys of a configuration and of a rule file, as tables for the documents
// and as JSON Schemas for editors, out of the rows by which package config and package rulefile read them.
//
// It owns how that looks, and decides nothing of what may be written. A schema is for one file as an editor sees it: it
// takes whatever the readers take, such as ${NAME} in place of a number, and refuses unknown keys and values of another
// kind. What the values mean together only `ciobridge check` can tell.
//
// Begin reading with Schema in schema.go. Tables, in table.go, makes the tables. Tests of this package hold the
// documents and the files in config/schema to what is made here; -update writes them.
package reference
