package emulator

import "github.com/ciobridge/ciobridge/emulator/workspace"

// Person is what the emulator holds about one person.
type Person = workspace.Person

// Object is what the emulator holds about one thing that is not a person.
type Object = workspace.Object

// Delivery is one message to one person that was to be sent.
type Delivery = workspace.Delivery
