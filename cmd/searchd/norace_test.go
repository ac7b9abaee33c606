//go:build !race

package main

// crashes is how often the server is killed.
const crashes = 50
