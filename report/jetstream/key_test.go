package jetstream

import (
	"regexp"
	"testing"
)

// Every key becomes one that a bucket takes, and itself again.
func FuzzKey(f *testing.F) {
	valid := regexp.MustCompile(`^[-/_=.a-zA-Z0-9]+$`) // as the client has it
	for _, key := range []string{"run/a/", "=", "=4", "a.b*>\x00\xff ü", leadKey} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		text := encodeKey(key)
		if back, ok := decodeKey(text); !ok || back != key {
			t.Errorf("%q becomes %q and then %q", key, text, back)
		}
		if key != "" && !valid.MatchString(text) || text == leadKey {
			t.Errorf("%q becomes %q", key, text)
		}
		_, _ = decodeKey(key) // of somebody else
	})
}

func TestTheLeadIsNoKey(t *testing.T) {
	if key, ok := decodeKey(leadKey); ok {
		t.Errorf("the lead is taken for %q", key)
	}
}
