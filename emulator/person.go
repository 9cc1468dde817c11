package emulator

import "github.com/ciobridge/ciobridge/emulator/workspace"

// What the emulator holds; see package workspace.
type (
	Person   = workspace.Person
	Object   = workspace.Object
	Delivery = workspace.Delivery
)
