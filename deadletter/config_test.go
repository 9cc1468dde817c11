package deadletter

import (
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/yamltree"
)

func TestConfigFromYAML(t *testing.T) {
	var c Config
	text := "topic: ciobridge.dead\ncreate: true\npartitions: 6\n" +
		"replicas: 3\nretention: 720h\nmax_bytes: 900000\ntimeout: 5s\n"
	if err := yamltree.Unmarshal("c.yaml", []byte(text), &c); err != nil {
		t.Fatal(err)
	}
	want := Config{Topic: "ciobridge.dead", Create: true, Partitions: 6, Replicas: 3, Retention: 720 * time.Hour,
		MaxBytes: 900000, Timeout: 5 * time.Second}
	if c != want || c.Validate() != nil {
		t.Errorf("got %+v, %v", c, c.Validate())
	}
}

func TestConfigReportsEveryMistake(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		want   []string
	}{
		"none":     {Config{}, []string{"dead_letters: set exactly one"}},
		"two":      {Config{Topic: "a", File: "b"}, []string{"dead_letters: set exactly one"}},
		"topic":    {Config{Topic: "a b"}, []string{"dead_letters.topic:"}},
		"dots":     {Config{Topic: ".."}, []string{"dead_letters.topic:"}},
		"wildcard": {Config{Subject: "dead.>"}, []string{"dead_letters.subject:"}},
		"empty":    {Config{Subject: "dead..x"}, []string{"dead_letters.subject:"}},
		"stream":   {Config{Subject: "a", Stream: "A.B"}, []string{"dead_letters.stream:"}},
		"create":   {Config{Subject: "a", Create: true}, []string{"dead_letters.stream: name the stream"}},
		"lonely":   {Config{Topic: "a", Stream: "A"}, []string{"dead_letters.stream: works only"}},
		"numbers": {Config{File: "f", Partitions: -1, Replicas: -1, Retention: -1, MaxBytes: 1, Timeout: -1}, []string{
			"dead_letters.partitions:", "dead_letters.replicas:", "dead_letters.retention:", "dead_letters.max_bytes:",
			"dead_letters.timeout:",
		}},
	} {
		err := c.config.Validate()
		if err == nil {
			t.Errorf("%s: no mistake was found", name)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.want) {
			t.Errorf("%s: %q", name, lines)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(lines[i], want) {
				t.Errorf("%s: %q, want %q", name, lines[i], want)
			}
		}
	}
	for _, c := range []Config{{Topic: "a.b-c_1"}, {Subject: "a.b"}, {Subject: "a", Stream: "A", Create: true},
		{File: "dead.jsonl"}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
