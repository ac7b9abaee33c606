// Package local runs a text-embedding model in this process: it reads a model folder as sentence-transformers lays it out,
// and joins tokenizer, encoder and batching into an hf.Embedder.
//
// Convert makes the int8 form of a published model folder.
package local
