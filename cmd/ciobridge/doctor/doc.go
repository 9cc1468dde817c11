// Package doctor is the command that examines what a bridge needs. It has no state and no goroutine; package
// app/doctor does the work. Begin with New.
package doctor
