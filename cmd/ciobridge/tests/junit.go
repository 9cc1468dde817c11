package tests

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

const asJUnit = "junit"

// The elements of a JUnit report, as CI systems read them.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Name    string       `xml:"name,attr"`
		Suites  []junitSuite `xml:"testsuite"`
		junitTotals
	}
	junitSuite struct {
		Name  string      `xml:"name,attr"`
		Cases []junitCase `xml:"testcase"`
		junitTotals
	}
	junitTotals struct {
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Time     string `xml:"time,attr"`

		seconds float64
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (t *junitTotals) add(r *Outcome) {
	t.Tests++
	if !r.Passed {
		t.Failures++
	}
	t.seconds += r.Seconds
	t.Time = inSeconds(t.seconds)
}

func inSeconds(s float64) string { return fmt.Sprintf("%.6f", s) }

// writeJUnit writes a suite for each rule file.
func writeJUnit(w io.Writer, r *report) error {
	all := junitSuites{Name: "ciobridge"}
	for i := range r.Tests {
		t := &r.Tests[i]
		at := t.result.Place
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != at.File {
			all.Suites = append(all.Suites, junitSuite{Name: at.File})
		}
		c := junitCase{Name: t.Name, Class: at.File, File: at.File, Line: at.Line, Time: inSeconds(t.Seconds)}
		if !t.Passed {
			c.Failure = &junitFailure{Message: t.Diffs[0], Text: strings.Join(t.Diffs, "\n")}
		}
		suite := &all.Suites[len(all.Suites)-1]
		suite.Cases = append(suite.Cases, c)
		suite.add(t)
		all.add(t)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}
