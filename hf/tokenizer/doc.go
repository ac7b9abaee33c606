// Package tokenizer turns text into the token ids a model was trained on, with the bytes each token stands for.
//
// It reads the tokenizer.json of a published model and does what the reference implementation (the tokenizers
// library) does with it: the same ids and the same byte offsets into the original text. Today it reads BERT's kind
// (BertNormalizer, BertPreTokenizer, WordPiece); anything else is an error that names the field. The stages are
// separate, so that another kind is another normalizer, preTokenizer or model:
//
//	text → added tokens cut out → normalizer → preTokenizer → model → tokens
//
// Each byte that is not part of valid UTF-8 (an encoded surrogate is not) reads as one U+FFFD that stands for that
// byte, as in a Go range loop. An added token whose own content has U+FFFD does not match such a byte.
//
// The truncation and padding sections of tokenizer.json are not obeyed: callers cut and batch.
package tokenizer
