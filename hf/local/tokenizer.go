package local

import (
	"errors"
	"fmt"
	"io/fs"

	"searchd/hf/tokenizer"
)

// The files of a tokenizer: tokenizer.json says it all. Older folders have only those it would be made of, and
// tokenizer_config.json.
const (
	tokenizerFile = "tokenizer.json"
	tokensFile    = "tokenizer_config.json"
	vocabFile     = "vocab.txt"  // of BERT and its like
	piecesFile    = "vocab.json" // of RoBERTa, with mergesFile
	mergesFile    = "merges.txt"
)

// checkVocabulary makes sure that the folder has a tokenizer in one of its forms.
func (l *layout) checkVocabulary(fsys fs.FS) error {
	for _, name := range []string{tokenizerFile, vocabFile, piecesFile} {
		if _, err := fs.Stat(fsys, l.path(name)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("model folder: %s is missing, and so are %s, and %s with %s, which could stand for it: %w",
		tokenizerFile, vocabFile, piecesFile, mergesFile, fs.ErrNotExist)
}

// openTokenizer reads the first form of the tokenizer that the folder has.
func openTokenizer(fsys fs.FS, l *layout) (*tokenizer.Tokenizer, error) {
	t, err := parseTokenizer(fsys, l)
	if err != nil {
		return nil, fmt.Errorf("model folder: %w", err)
	}
	return t, l.checkTokenizer(t)
}

func parseTokenizer(fsys fs.FS, l *layout) (*tokenizer.Tokenizer, error) {
	b, err := view(fsys, l.path(tokenizerFile))
	if err == nil {
		return tokenizer.Parse(b)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	config, err := view(fsys, l.path(tokensFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if b, err = view(fsys, l.path(vocabFile)); err == nil {
		return tokenizer.ParseVocab(b, config)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if b, err = view(fsys, l.path(piecesFile)); err != nil {
		return nil, err
	}
	merges, err := view(fsys, l.path(mergesFile))
	if err != nil {
		return nil, err
	}
	return tokenizer.ParseMerges(b, merges, config)
}

// checkTokenizer refuses a tokenizer that does not put one special token before a text and one after it, and a folder that
// has texts lower-cased before a tokenizer that keeps the case.
func (l *layout) checkTokenizer(t *tokenizer.Tokenizer) error {
	if t.CLS() < 0 || t.SEP() < 0 {
		return fmt.Errorf("%s: post_processor: one special token before a text and one after it are needed", tokenizerFile)
	}
	upper, lower := t.Tokenize("A"), t.Tokenize("a")
	if l.lowerCase && (len(upper) != len(lower) || len(upper) > 0 && upper[0].ID != lower[0].ID) {
		return fmt.Errorf("model folder: do_lower_case is true, but %s keeps upper case: this is not supported", tokenizerFile)
	}
	return nil
}
