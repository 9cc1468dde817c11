package expr

import (
	"testing"
)

// What is not text must never become U+FFFD, which would make one person of all binary ids.
func TestWhatIsNotTextFailsByName(t *testing.T) {
	const notText = "@base64d: the bytes are not UTF-8 text; an id that is binary can stay base64"
	raw := `{"b":"gaGxwdHh8YE=","d":"adw=","u":"%ff%fe","text":"aMOpbGxv","low":"\"\\ud800\"","twice":"{\"a\":1,\"a\":2}","deep":"[1"}`
	for src, want := range map[string]string{
		`.b | @base64d`:                                                notText,
		`.b | @base64d | explode`:                                      notText,
		`.b | @base64d | length`:                                       notText,
		`.b | @base64d | @base64`:                                      notText,
		`.b | @base64d | tostring | ascii_downcase`:                    notText,
		`.d | @base64d | explode | reduce .[] as $b (0; . * 256 + $b)`: notText,
		`"x" + (.b | @base64d)`:                                        notText,
		`@base64d "id-\(.b)"`:                                          notText,
		`.b | format("base64d")`:                                       notText,
		`[.b] | map(@base64d)`:                                         notText,
		`.u | @urid`:                                                   "@urid: the bytes are not UTF-8 text",
		`@urid "\(.u)"`:                                                "@urid: the bytes are not UTF-8 text",
		`.u | format("urid")`:                                          "@urid: the bytes are not UTF-8 text",
		`[55296] | implode`:                                            "implode: a number is not a Unicode code point",
		`[1114112] | implode`:                                          "implode: a number is not a Unicode code point",
		`[-1] | implode`:                                               "implode: a number is not a Unicode code point",
		`[99999999999999999999] | implode`:                             "implode: a number is not a Unicode code point",
		`.low | fromjson`:                                              "fromjson: half of a surrogate pair in a string",
		`.twice | fromjson`:                                            "fromjson: an object names the same key twice",
		`.deep | fromjson`:                                             "fromjson: not valid JSON",
		`"YQ==YQ==" | @base64d`:                                        "@base64d: not base64 in the standard alphabet",
		`"YR==" | @base64d`:                                            "@base64d: not base64 in the standard alphabet",
		`"YQ=" | @base64d`:                                             "@base64d: the padding is wrong",
		`"Y*==" | @base64d`:                                            "@base64d: not base64 in the standard alphabet",
	} {
		if v, err := runOne(t, src, raw); err == nil || err.Error() != want {
			t.Errorf("%s gave %s, %v", src, v.Raw, err)
		}
	}
	for src, want := range map[string]string{
		`.text | @base64d`:                                   `"héllo"`,
		`.text | format("base64d")`:                          `"héllo"`,
		`@base64d "<\(.text)>"`:                              `"<héllo>"`,
		`"aGk" | @base64d`:                                   `"hi"`,
		`"aG\nk=" | @base64d`:                                `"hi"`,
		`123456 | @base64 | @base64d`:                        `"123456"`,
		`.text | format("text")`:                             `"aMOpbGxv"`,
		`"h%C3%A9" | @urid`:                                  `"hé"`,
		`[104,233,128512] | implode`:                         `"hé😀"`,
		`"{\"a\": [1.50, 12345678901234567890]}" | fromjson`: `{"a":[1.50,12345678901234567890]}`,
		`(.b | @base64d)? // "none"`:                         `"none"`,
		`try (.b | @base64d) catch "binary"`:                 `"binary"`,
		`def _tobase64d: "own"; .b | @base64d`:               `"own"`,
		`def implode: "own"; [1] | implode`:                  `"own"`,
	} {
		if v, err := runOne(t, src, raw); err != nil || string(v.Raw) != want {
			t.Errorf("%s gave %s, %v", src, v.Raw, err)
		}
	}
}
