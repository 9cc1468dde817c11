// Package ceiling has the two programs that the bridge is held against. The ceiling does the least that any such
// program has to do, with the fastest libraries for it; the bare program does the same by hand, and checks little.
package ceiling
