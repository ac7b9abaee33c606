package tokenizer

import (
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func (b *builder) decoder(v jsontext.Value) (decoder, error) {
	list, err := flatten("decoder", "decoders", v, 0)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var all decoders
	for _, s := range list {
		d, err := b.decoderPart(s)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

func (b *builder) decoderPart(s section) (decoder, error) {
	switch s.kind {
	case "WordPiece":
		return newWordPieceDecoder(s)
	case "ByteLevel": // its members matter to the other stages alone
		return byteLevelDecoder{newByteNames()}, nil
	case "Metaspace":
		mark, scheme, _, err := readMetaspace(s)
		return metaspaceDecoder{mark, scheme != prependNever}, err
	case "BPEDecoder":
		return newBPEDecoder(s)
	case "ByteFallback":
		return byteFallbackDecoder{}, nil
	case "Fuse":
		return fuseDecoder{}, nil
	case "Strip":
		return newStripDecoder(s)
	case "Replace":
		r, err := b.replacer(s)
		return replaceDecoder{r}, err
	}
	return nil, s.unsupported("WordPiece, ByteLevel, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace and Sequence")
}

func newWordPieceDecoder(s section) (decoder, error) {
	p := struct {
		Type    string `json:"type"`
		Prefix  string `json:"prefix"`
		Cleanup bool   `json:"cleanup"`
	}{Prefix: "##", Cleanup: true}
	err := s.read(&p)
	return &wordPieceDecoder{p.Prefix, p.Cleanup}, err
}

func newBPEDecoder(s section) (decoder, error) {
	p := struct {
		Type   string `json:"type"`
		Suffix string `json:"suffix"`
	}{Suffix: "</w>"}
	err := s.read(&p)
	if err == nil && p.Suffix == "" {
		err = s.errorf("suffix: missing")
	}
	return bpeDecoder{p.Suffix}, err
}

func newStripDecoder(s section) (decoder, error) {
	var p struct {
		Type    string `json:"type"`
		Content string `json:"content"`
		Start   int    `json:"start"`
		Stop    int    `json:"stop"`
	}
	if err := s.read(&p); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(p.Content) != 1 {
		return nil, s.errorf("content: %.100q is not one character", p.Content)
	}
	return stripDecoder{p.Content, p.Start, p.Stop}, nil
}
