//go:build race

package main

// crashes is how often the server is killed. The race detector slows every round down several times, and finds in a few what
// it finds in many.
const crashes = 8
