// Package inproc is the provider that needs no account and no other process: sentiment by the VADER rules, summaries
// and answers made of sentences of the text itself, and the embeddings of the models in this process.
//
// Nothing here writes a sentence of its own. What a summary or an answer says stands in the text, word for word, and an
// answer says where. Tasks that need a generating model are refused with the remedy.
package inproc
