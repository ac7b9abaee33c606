// Package hftest is for tests: a small deterministic model that needs no weights, the conformance suite that every
// hf.Model passes, and a fake provider server that speaks the protocols of hf/remote and fails as it is told.
package hftest
