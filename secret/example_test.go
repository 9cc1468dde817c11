package secret_test

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/ciobridge/ciobridge/secret"
)

// A secret shows nothing, however it is printed; only Reveal gives it.
func ExampleValue() {
	config := struct {
		User string
		Key  secret.Value
	}{"bridge", secret.New("a1b2c3")}
	fmt.Printf("%v\n%+v\n%s %q\n", config, config, config.Key, config.Key)
	text, _ := json.Marshal(config)
	fmt.Println(string(text))
	fmt.Println(len(config.Key.Reveal()), "characters")
	// Output:
	// {bridge ***}
	// {User:bridge Key:***}
	// *** ***
	// {"User":"bridge","Key":"***"}
	// 6 characters
}

// A configuration says where a secret is, and an error does not tell what stands there.
func ExampleRef_Read() {
	os.Setenv("EXAMPLE_API_KEY", "a1b2c3")
	defer os.Unsetenv("EXAMPLE_API_KEY")
	key, err := secret.Ref{Env: "EXAMPLE_API_KEY"}.Read()
	fmt.Println(key, key.Equal(secret.New("a1b2c3")), err)
	_, err = secret.Ref{Env: "EXAMPLE_OTHER_KEY"}.Read()
	fmt.Println(err)
	// Output:
	// *** true <nil>
	// read secret: the environment variable is not set
}
