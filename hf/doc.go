// Package hf says what a model can do, apart from where it runs.
//
// Everything that turns text into meaning stands behind the small interfaces here: the in-process models of
// hf/local and, later, hosted providers. The packages below hf know about weights, tokens and wire formats; the
// rest of searchd knows only this package.
package hf
