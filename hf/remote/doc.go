// Package remote runs tasks on somebody's server: the hosted Hugging Face router, Text Embeddings Inference (TEI), Text
// Generation Inference (TGI) and whatever speaks the OpenAI protocol.
//
// It knows wire formats and nothing else: one call is one attempt, and every failure is an hf.CallError that says what
// can be done about it. Retries, caches and fallbacks are somebody else's.
//
// An endpoint is an address that a user typed, so it is checked where it is given and again where the connection is
// made, on the address that the name has resolved to. Keys go to the endpoint's own host alone, and into no error.
package remote
