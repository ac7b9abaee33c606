// Package bundled is the model inside the binary: all-MiniLM-L6-v2 with int8 weights, its tokenizer, licence and
// provenance. It needs no download and no file.
package bundled
