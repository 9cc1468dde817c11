package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/ciobridge/ciobridge/bench/certificate"
)

// program is what is measured: it carries everything that a source holds to a sink, until it is stopped.
type program interface {
	name() string
	// command prepares the program to read src as the given reader and to post to the sink. Dir is its own.
	command(dir, reader, sink string, src source) (*exec.Cmd, error)
}

const (
	programCeiling = "ceiling"
	programBare    = "bare"
	programBridge  = "bridge"
)

// ceilingProgram is the ceiling, which is made of libraries, or the bare program, which does the same by hand.
type ceilingProgram struct{ bare bool }

func (c ceilingProgram) name() string {
	if c.bare {
		return programBare
	}
	return programCeiling
}

func (c ceilingProgram) command(_, reader, sink string, src source) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the bench program: %w", err)
	}
	switch s := src.(type) {
	case *kafkaSource:
		return exec.Command(self, "kafka-ceiling", "-brokers", s.brokers, "-topic", s.topic, "-partitions",
			strconv.Itoa(s.partitions),
			"-group", reader, "-sink", sink, "-bare="+strconv.FormatBool(c.bare),
			"-tls="+strconv.FormatBool(s.tls != "")), nil
	case *natsSource:
		return exec.Command(self, "nats-ceiling", "-url", s.url, "-stream", natsStream, "-durable", reader, "-sink",
			sink, "-bare="+strconv.FormatBool(c.bare)), nil
	}
	return nil, fmt.Errorf("the ceiling cannot read %s", src.name())
}

// launch starts a program in a directory. It trusts the certificate in a folder, where one is given, in place of the
// system's.
func launch(p program, dir, reader, sink string, src source, trusts string) (*process, error) {
	cmd, err := p.command(dir, reader, sink, src)
	if err != nil {
		return nil, err
	}
	if trusts != "" {
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(trusts, certificate.File), "SSL_CERT_DIR="+dir)
	}
	return start(p.name(), cmd)
}
