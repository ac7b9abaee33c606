package tokenizer

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder makes pieces of text of tokens. It may change the list in place.
type decoder interface {
	decode(tokens []string) []string
}

// Decode is the text that ids stand for, as near as the tokens allow. Ids that are no token are left out, and so are the
// special tokens, where wanted.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	tokens := make([]string, 0, len(ids))
	for _, id := range ids {
		if id < 0 || int(id) >= len(t.tokens) || t.tokens[id] == "" || skipSpecial && t.special[id] {
			continue
		}
		tokens = append(tokens, t.tokens[id])
	}
	if t.decoder == nil {
		return strings.Join(tokens, " ")
	}
	return strings.Join(t.decoder.decode(tokens), "")
}

// decoders is one decoder after another.
type decoders []decoder

func (d decoders) decode(tokens []string) []string {
	for _, x := range d {
		tokens = x.decode(tokens)
	}
	return tokens
}

// wordPieceDecoder sets words apart and takes the prefix off what continues them.
type wordPieceDecoder struct {
	prefix  string
	cleanup bool
}

func (d *wordPieceDecoder) decode(tokens []string) []string {
	for i, t := range tokens {
		if i > 0 {
			rest, inner := strings.CutPrefix(t, d.prefix)
			if t = rest; !inner {
				t = " " + rest
			}
		}
		if d.cleanup {
			t = cleanUp(t)
		}
		tokens[i] = t
	}
	return tokens
}

// cleanUp takes out the spaces before punctuation and contractions, one rule after the other as the reference does.
func cleanUp(token string) string {
	for _, rule := range [...][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
		{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		token = strings.ReplaceAll(token, rule[0], rule[1])
	}
	return token
}

// byteLevelDecoder makes bytes of the characters that name them.
type byteLevelDecoder struct{ names *byteNames }

func (d byteLevelDecoder) decode(tokens []string) []string {
	var text []byte
	for _, t := range tokens {
		b, ok := d.names.decode(text, t)
		if text = b; !ok {
			text = append(text, t...)
		}
	}
	return []string{string(lossy(text))}
}

// lossy puts U+FFFD for what is not valid UTF-8: one for each longest beginning of a character. (The Unicode Standard,
// section 3.9, "U+FFFD Substitution of Maximal Subparts".)
func lossy(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	out := make([]byte, 0, len(text)+utf8.UTFMax)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			size = subpart(text)
		}
		out, text = utf8.AppendRune(out, r), text[size:]
	}
	return out
}

// subpart is the length of the longest beginning of a character that text, which is not valid, starts with; at least 1.
func subpart(text []byte) int {
	for n := min(len(text), utf8.UTFMax-1); n > 1; n-- {
		if !utf8.FullRune(text[:n]) {
			return n
		}
	}
	return 1
}

// metaspaceDecoder makes spaces of marks; those of the first token go.
type metaspaceDecoder struct {
	mark   string
	prefix bool
}

func (d metaspaceDecoder) decode(tokens []string) []string {
	for i, t := range tokens {
		space := " "
		if i == 0 && d.prefix {
			space = ""
		}
		tokens[i] = strings.ReplaceAll(t, d.mark, space)
	}
	return tokens
}

// bpeDecoder makes spaces of the suffix of words.
type bpeDecoder struct{ suffix string }

func (d bpeDecoder) decode(tokens []string) []string {
	for i, t := range tokens {
		space := " "
		if i == len(tokens)-1 {
			space = ""
		}
		tokens[i] = strings.ReplaceAll(t, d.suffix, space)
	}
	return tokens
}

// byteFallbackDecoder makes characters of the tokens of their bytes.
type byteFallbackDecoder struct{}

func (d byteFallbackDecoder) decode(tokens []string) []string {
	out := make([]string, 0, len(tokens))
	var raw []byte
	flush := func() {
		if utf8.Valid(raw) {
			out = append(out, string(raw))
		} else {
			out = append(out, strings.Repeat("\uFFFD", len(raw)))
		}
		raw = raw[:0]
	}
	for _, t := range tokens {
		if c, ok := byteOfName(t); ok {
			raw = append(raw, c)
			continue
		}
		if len(raw) > 0 {
			flush()
		}
		out = append(out, t)
	}
	if len(raw) > 0 {
		flush()
	}
	return out
}

// byteOfName is the byte of a token such as <0x0A>.
func byteOfName(token string) (byte, bool) {
	if len(token) != len("<0x0A>") || !strings.HasPrefix(token, "<0x") || token[5] != '>' {
		return 0, false
	}
	c, err := strconv.ParseUint(token[3:5], 16, 8)
	return byte(c), err == nil
}

// fuseDecoder makes one piece of all.
type fuseDecoder struct{}

func (fuseDecoder) decode(tokens []string) []string { return []string{strings.Join(tokens, "")} }

// stripDecoder takes a character off the ends of each piece, at most so many times.
type stripDecoder struct {
	content     string
	start, stop int
}

func (d stripDecoder) decode(tokens []string) []string {
	for i, t := range tokens {
		for n := d.start; n > 0 && strings.HasPrefix(t, d.content); n-- {
			t = t[len(d.content):]
		}
		for n := d.stop; n > 0 && strings.HasSuffix(t, d.content); n-- {
			t = t[:len(t)-len(d.content)]
		}
		tokens[i] = t
	}
	return tokens
}

// replaceDecoder is the replacer for decoded pieces.
type replaceDecoder struct{ *replacer }

func (d replaceDecoder) decode(tokens []string) []string {
	for i, t := range tokens {
		tokens[i] = d.replaced([]byte(t))
	}
	return tokens
}

func (r *replacer) replaced(text []byte) string {
	var out bytes.Buffer
	done := 0
	for done < len(text) {
		at, ok := r.at.find(text, done)
		if !ok {
			break
		}
		out.Write(text[done:at.start])
		out.WriteString(r.content)
		done = at.end
	}
	out.Write(text[done:])
	return out.String()
}
