// Package hftest is for tests: a small deterministic model that needs no weights, and the conformance suite that every
// hf.Model passes.
package hftest
