// Package local runs models that read text in this process: it opens a model folder as transformers or
// sentence-transformers lays it out, and joins tokenizer, encoder and batching into an hf.Embedder, an hf.Classifier or an
// hf.Reranker. Kind says which of them a folder holds.
//
// Convert makes the int8 form of a published model folder.
package local
