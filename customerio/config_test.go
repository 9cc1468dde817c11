package customerio_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ciobridge/ciobridge/internal/yamltree"

	"github.com/ciobridge/ciobridge/customerio"
)

func valid() customerio.Config {
	c := customerio.DefaultConfig()
	c.Region, c.SiteIDEnv, c.APIKeyFile = customerio.EU, "SITE", "/run/secrets/key"
	return c
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*customerio.Config)
		err    string // empty: valid
	}{
		{"default", func(*customerio.Config) {}, ""},
		{"no region", func(c *customerio.Config) { c.Region = "" }, "region: is missing"},
		{"a foreign region", func(c *customerio.Config) { c.Region = "asia" }, "region: is neither us nor eu"},
		{"no site id", func(c *customerio.Config) { c.SiteIDEnv = "" },
			"site_id_file: is missing: give site_id_file or site_id_env"},
		{"two keys", func(c *customerio.Config) { c.APIKeyEnv = "KEY" }, "api_key_file: stands beside api_key_env"},
		{"an App key", func(c *customerio.Config) { c.AppKeyFile = "/run/secrets/app" }, ""},
		{"two App keys", func(c *customerio.Config) { c.AppKeyFile, c.AppKeyEnv = "a", "b" },
			"app_key_file: stands beside app_key_env"},
		{"two write keys", func(c *customerio.Config) { c.WriteKeyFile, c.WriteKeyEnv = "a", "b" },
			"write_key_file: stands beside write_key_env"},
		{"no rate of App", func(c *customerio.Config) { c.AppRequestsPerSecond = 0 },
			"app_requests_per_second: 0 is outside 1 to 1000"},
		{"broadcasts too close together", func(c *customerio.Config) { c.BroadcastInterval = time.Second },
			"broadcast_interval: 1s is outside 10s to 1h0m0s"},
		{"broadcasts of an emulator", func(c *customerio.Config) {
			c.URL, c.BroadcastInterval = "http://127.0.0.1:8090", time.Millisecond
		}, ""},
		{"allowed actions", func(c *customerio.Config) { c.Allow = []string{"delete", "suppress"} }, ""},
		{"an action that needs no leave", func(c *customerio.Config) { c.Allow = []string{"delete", "identify"} },
			"allow[1]: is not a destructive action"},
		{"reserved ids", func(c *customerio.Config) {
			c.ReservedIDs = customerio.ReservedIDs{Add: []string{"test"}, Allow: []string{"0"}}
		}, ""},
		{"an id that is not reserved", func(c *customerio.Config) { c.ReservedIDs.Allow = []string{"c_7"} },
			`reserved_ids.allow[0]: is not reserved`},
		{"no rate", func(c *customerio.Config) { c.RequestsPerSecond = 0 },
			"requests_per_second: 0 is outside 1 to 1000"},
		{"too high a rate", func(c *customerio.Config) { c.RequestsPerSecond = 3000 },
			"requests_per_second: 3000 is outside"},
		{"a rate for an emulator",
			func(c *customerio.Config) { c.URL, c.RequestsPerSecond = "http://127.0.0.1:8090", 100_000 }, ""},
		{"too high a rate for anything",
			func(c *customerio.Config) { c.URL, c.RequestsPerSecond = "http://127.0.0.1:8090", 100_001 },
			"requests_per_second: 100001 is outside 1 to 100000"},
		{"a time-out past the drain", func(c *customerio.Config) { c.Timeout = 15 * time.Second },
			"timeout: 15s is outside"},
		{"https", func(c *customerio.Config) { c.URL = "https://gateway.example.com/" }, ""},
		{"http in public", func(c *customerio.Config) { c.URL = "http://gateway.example.com" },
			"url: plain http would show the API key"},
		{"http to a public address", func(c *customerio.Config) { c.URL = "http://8.8.8.8" }, "url: plain http"},
		{"http to the metadata address", func(c *customerio.Config) { c.URL = "http://169.254.169.254" },
			"url: plain http"},
		{"http to loopback", func(c *customerio.Config) { c.URL = "http://127.0.0.1:8090" }, ""},
		{"http to loopback, v6", func(c *customerio.Config) { c.URL = "http://[::1]:8090" }, ""},
		{"http to a private address", func(c *customerio.Config) { c.URL = "http://10.1.2.3" }, ""},
		{"http to a container", func(c *customerio.Config) { c.URL = "http://emulator:8090" }, ""},
		{"http to a service", func(c *customerio.Config) { c.URL = "http://emulator.shop.svc.cluster.local." }, ""},
		{"not a URL", func(c *customerio.Config) { c.URL = "emulator:8090" }, "url: "},
		{"another scheme", func(c *customerio.Config) { c.URL = "ftp://emulator" },
			"url: has another scheme than https or http"},
		{"a password in the URL", func(c *customerio.Config) { c.URL = "https://u:canary@h" },
			"url: has a user name or password"},
		{"a path", func(c *customerio.Config) { c.URL = "https://h/api/v2" },
			"url: has more than scheme, host and port"},
		{"a query", func(c *customerio.Config) { c.URL = "https://h?key=canary" }, "url: has more than"},
		{"a proxy", func(c *customerio.Config) { c.Proxy = "http://proxy.example.com:3128" }, ""},
		{"a password in the proxy", func(c *customerio.Config) { c.Proxy = "http://u:canary@proxy:3128" },
			"proxy: has a user name or password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := valid()
			c.change(&config)
			err := config.Validate()
			switch {
			case c.err == "" && err != nil:
				t.Error(err)
			case c.err != "" && (err == nil || !strings.HasPrefix(err.Error(), c.err)):
				t.Errorf("error %v, want %q", err, c.err)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("the error quotes a secret: %v", err)
			}
		})
	}
}

func TestAllMistakesAreReported(t *testing.T) {
	err := customerio.Config{URL: "x", Proxy: "x", Allow: []string{"x"}}.Validate()
	for _, field := range []string{"region", "site_id_file", "api_key_file", "url", "proxy", "allow[0]",
		"requests_per_second", "timeout"} {
		if !strings.Contains("\n"+err.Error(), "\n"+field+": ") {
			t.Errorf("no word about %s in\n%v", field, err)
		}
	}
}

func TestConfigInYAML(t *testing.T) {
	got := customerio.DefaultConfig()
	in := "region: eu\nsite_id_env: SITE\napi_key_file: /run/secrets/key\ntimeout: 5s\nallow: [delete]\n"
	if err := yamltree.Unmarshal("c.yaml", []byte(in), &got); err != nil {
		t.Fatal(err)
	}
	if err := got.Validate(); err != nil || got.Timeout != 5*time.Second || got.RequestsPerSecond != 100 ||
		got.Region != customerio.EU {
		t.Errorf("%+v %v", got, err)
	}
}
