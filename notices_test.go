package ciobridge_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write THIRD_PARTY_NOTICES.txt anew")

const noticesFile = "THIRD_PARTY_NOTICES.txt"

// TestThirdPartyNotices holds the file to what the program really links: each module with its version, its licence
// and its notice. With -update it is written anew.
func TestThirdPartyNotices(t *testing.T) {
	want := notices(t)
	if *update {
		if err := os.WriteFile(noticesFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(noticesFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the program links: go test -run TestThirdPartyNotices . -update", noticesFile)
	}
}

// compatible are beginnings of licence texts that go together with Apache 2.0.
var compatible = []string{
	"Apache License", "MIT License", "Permission is hereby granted, free of charge",
	"Redistribution and use in source and binary forms", "Mozilla Public License Version 2.0",
	"Mozilla Public License, " +
		"version 2.0",
}

func notices(t *testing.T) []byte {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} "+
		"{{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/ciobridge")
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64") // what the image holds, wherever the test runs
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	lines := slices.Compact(slices.Sorted(strings.SplitSeq(strings.TrimSpace(string(out)), "\n")))
	users := map[string][]string{} // modules by the text of their licence and notice
	var texts []string
	for _, line := range lines {
		module, dir, ok := strings.Cut(line, "\t")
		if !ok {
			continue
		}
		text := licenceOf(t, module, dir)
		if users[text] == nil {
			texts = append(texts, text)
		}
		users[text] = append(users[text], module)
		if strings.HasPrefix(module, "golang.org/x/sys ") {
			users[text] = append(users[text], "the Go standard library") // which has the same licence
		}
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, "ciobridge contains the following software, under the licences that stand below each list.")
	for _, text := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(users[text], "\n"), text)
	}
	return b.Bytes()
}

// licenceOf reads the licence of a module, and its notice where there is one.
func licenceOf(t *testing.T, module, dir string) string {
	t.Helper()
	var texts []string
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*", "NOTICE*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil { // a folder is no licence
				texts = append(texts, tidy(text))
			}
		}
	}
	text := strings.Join(texts, "\n\n")
	folded := strings.Join(strings.Fields(text), " ")
	if !slices.ContainsFunc(compatible, func(begin string) bool { return strings.Contains(folded, begin) }) {
		t.Errorf("%s: no licence that goes together with Apache 2.0 in %s", module, dir)
	}
	return text
}

func tidy(text []byte) string {
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\f")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
