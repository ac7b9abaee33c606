package tokenizer

import (
	"regexp"
	"unicode"
	"unicode/utf8"
)

// The regular expressions of published pre-tokenizers: GPT-2's and its successors'. They match everywhere, so that
// matching is a matter of a few classes of characters.
const (
	gpt2Pattern  = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	gpt2Grouped  = `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	llama3Regex  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen2Regex   = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	unboundedRun = 1 << 62
)

// knownPattern is the finder of a regular expression that published files have, nil where it is not known.
func knownPattern(regex string, k *kinds) finder {
	switch regex {
	case gpt2Pattern, gpt2Grouped:
		return &gpt2Finder{k}
	case llama3Regex:
		return &llama3Finder{k, 3}
	case qwen2Regex:
		return &llama3Finder{k, 1}
	case ` {2,}`:
		return spacesFinder(2)
	case ` +`:
		return spacesFinder(1)
	case `\s+`:
		return runFinder{unicode.IsSpace}
	case `\s`:
		return charFinder(unicode.IsSpace)
	case `\p{N}`:
		return charFinder(func(r rune) bool { return k.of(r) == numberKind })
	case `\p{N}{1,3}`:
		return &numberFinder{k}
	case `[0-9]`:
		return charFinder(func(r rune) bool { return '0' <= r && r <= '9' })
	case `[\r\n]`:
		return charFinder(func(r rune) bool { return r == '\r' || r == '\n' })
	}
	if regexp.QuoteMeta(regex) == regex && regex != "" {
		return literal(regex)
	}
	return nil
}

// numberFinder finds one to three numbers.
type numberFinder struct{ kinds *kinds }

func (f *numberFinder) find(text []byte, from int) (span, bool) {
	for i := from; i < len(text); {
		k, size := f.kinds.at(text, i)
		if k == numberKind {
			return span{i, f.kinds.run(text, i, numberKind, 3)}, true
		}
		i += size
	}
	return span{}, false
}

// gpt2Finder finds gpt2Pattern.
type gpt2Finder struct{ kinds *kinds }

func (f *gpt2Finder) find(text []byte, i int) (span, bool) {
	return span{i, f.end(text, i)}, true
}

func (f *gpt2Finder) end(text []byte, i int) int {
	if n := contraction(text[i:], false); n > 0 {
		return i + n
	}
	word := i
	if text[i] == ' ' {
		word++
	}
	if k, size := f.kinds.at(text, word); size > 0 && k != spaceKind {
		return f.kinds.run(text, word+size, k, unboundedRun)
	}
	return spacesBeforeWord(f.kinds, text, i)
}

// llama3Finder finds llama3Regex, or qwen2Regex where digits is 1.
type llama3Finder struct {
	kinds  *kinds
	digits int
}

func (f *llama3Finder) find(text []byte, i int) (span, bool) {
	return span{i, f.end(text, i)}, true
}

func (f *llama3Finder) end(text []byte, i int) int {
	if n := contraction(text[i:], true); n > 0 {
		return i + n
	}
	k, size := f.kinds.at(text, i)
	if k == letterKind {
		return f.kinds.run(text, i, letterKind, unboundedRun)
	}
	if k == numberKind {
		return f.kinds.run(text, i, numberKind, f.digits)
	}
	if !isNewline(text[i]) {
		if end := f.kinds.run(text, i+size, letterKind, unboundedRun); end > i+size {
			return end
		}
	}
	return f.signs(text, i)
}

// signs matches what is neither letter nor number.
func (f *llama3Finder) signs(text []byte, i int) int {
	start := i
	if text[i] == ' ' {
		start++
	}
	if end := f.kinds.run(text, start, otherKind, unboundedRun); end > start {
		for end < len(text) && isNewline(text[end]) {
			end++
		}
		return end
	}
	spaces := f.kinds.run(text, i, spaceKind, unboundedRun)
	for end := spaces; end > i; end-- { // \s*[\r\n]+ ends at the last newline
		if isNewline(text[end-1]) {
			return end
		}
	}
	return spacesBeforeWord(f.kinds, text, i)
}

func isNewline(c byte) bool { return c == '\r' || c == '\n' }

// spacesBeforeWord matches \s+(?!\S)|\s+: white space, all but the last of it where a word follows.
func spacesBeforeWord(k *kinds, text []byte, i int) int {
	end := k.run(text, i, spaceKind, unboundedRun)
	if end == len(text) {
		return end
	}
	if _, size := utf8.DecodeLastRune(text[i:end]); end-size > i {
		return end - size
	}
	return end
}

// contraction is the length of 's, 't, 're, 've, 'm, 'll or 'd at the start of text, 0 for none.
func contraction(text []byte, fold bool) int {
	if len(text) < 2 || text[0] != '\'' {
		return 0
	}
	c, size := foldAt(text[1:], fold)
	switch c {
	case 's', 't', 'm', 'd':
		return 1 + size
	}
	next, nextSize := foldAt(text[1+size:], fold)
	switch [2]rune{c, next} {
	case [2]rune{'r', 'e'}, [2]rune{'v', 'e'}, [2]rune{'l', 'l'}:
		return 1 + size + nextSize
	}
	return 0
}

// foldAt is the first character of text, in lower case where fold says so.
func foldAt(text []byte, fold bool) (rune, int) {
	r, size := utf8.DecodeRune(text)
	switch {
	case !fold:
	case r == 'ſ':
		r = 's'
	default:
		r = unicode.ToLower(r)
	}
	return r, size
}
