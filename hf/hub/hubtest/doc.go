// Package hubtest is for tests: a hub on loopback that gives models away as the Hugging Face hub does, large files through
// a second host, and that fails as it is told.
package hubtest
