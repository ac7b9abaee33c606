// Package tokenizer turns text into the token ids a model was trained on, with the bytes each token stands for, and back.
//
// It reads the tokenizer.json of a published model and does what the reference implementation (the tokenizers
// library) does with it: the same ids and the same byte offsets into the original text. It reads WordPiece (BERT), BPE
// of bytes (RoBERTa, GPT-2 and their successors) or of characters, and Unigram (XLM-RoBERTa and others of
// SentencePiece), with the normalizers, pre-tokenizers, post-processors and decoders that published files have;
// anything else is an error that names the field. The stages are separate, so that another kind is another
// normalizer, preTokenizer or model:
//
//	text → added tokens cut out → normalizer → preTokenizer → model → tokens → special tokens around them
//
// Each byte that is not part of valid UTF-8 (an encoded surrogate is not) reads as one U+FFFD that stands for that
// byte, as in a Go range loop. An added token whose own content has U+FFFD does not match such a byte.
//
// The truncation and padding sections of tokenizer.json are not obeyed: callers say how long, and batch.
package tokenizer
