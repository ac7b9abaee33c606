package tokenizer

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ParseVocab reads the files of older BERT models: vocab.txt, a token a line, and tokenizer_config.json, which may be
// nil for BERT's own settings. The answer is as if of the tokenizer.json that the reference makes of them.
func ParseVocab(vocab, config []byte) (*Tokenizer, error) {
	c, err := readConfigFile(config)
	if err != nil {
		return nil, err
	}
	t, err := parseVocab(vocab, c)
	if err != nil {
		return nil, fmt.Errorf("vocab.txt: %w", err)
	}
	return t, nil
}

// ParseMerges reads the files of older RoBERTa models: vocab.json, merges.txt, a merge a line, and
// tokenizer_config.json, which may be nil for RoBERTa's own settings.
func ParseMerges(vocab, merges, config []byte) (*Tokenizer, error) {
	c, err := readConfigFile(config)
	if err != nil {
		return nil, err
	}
	t, err := parseMerges(vocab, merges, c)
	if err != nil {
		return nil, fmt.Errorf("vocab.json, merges.txt: %w", err)
	}
	return t, nil
}

// configFile is what a tokenizer_config.json says of the tokenizer itself.
type configFile struct {
	Class          string      `json:"tokenizer_class"`
	Lowercase      *bool       `json:"do_lower_case"`
	Basic          *bool       `json:"do_basic_tokenize"`
	Chinese        *bool       `json:"tokenize_chinese_chars"`
	StripAccents   *bool       `json:"strip_accents"`
	AddPrefixSpace bool        `json:"add_prefix_space"`
	BOS            configToken `json:"bos_token"`
	EOS            configToken `json:"eos_token"`
	CLS            configToken `json:"cls_token"`
	SEP            configToken `json:"sep_token"`
	UNK            configToken `json:"unk_token"`
	PAD            configToken `json:"pad_token"`
	MASK           configToken `json:"mask_token"`
}

// configToken is a special token: a string, or an object that has it as its content.
type configToken string

func (t *configToken) UnmarshalJSON(b []byte) error {
	if jsontext.Value(b).Kind() == '{' {
		var of struct {
			Content string `json:"content"`
		}
		err := json.Unmarshal(b, &of)
		*t = configToken(of.Content)
		return err
	}
	return json.Unmarshal(b, (*string)(t))
}

func (t configToken) or(standard string) string { return cmp.Or(string(t), standard) }

func readConfigFile(config []byte) (*configFile, error) {
	c := new(configFile)
	if config == nil {
		return c, nil
	}
	if err := json.Unmarshal(config, c); err != nil {
		return nil, fmt.Errorf("tokenizer_config.json: %w", err)
	}
	if c.Basic != nil && !*c.Basic {
		return nil, errors.New("tokenizer_config.json: do_basic_tokenize: false is not supported")
	}
	return c, nil
}

func parseVocab(vocab []byte, c *configFile) (*Tokenizer, error) {
	if len(vocab) > maxFile {
		return nil, fmt.Errorf("%d bytes, but at most %d are read", len(vocab), maxFile)
	}
	// MPNet has RoBERTa's special tokens and template, and all else of BERT.
	mpnet := strings.HasPrefix(c.Class, "MPNet")
	cls, sep, pad, mask := c.CLS.or("[CLS]"), c.SEP.or("[SEP]"), c.PAD.or("[PAD]"), c.MASK.or("[MASK]")
	if mpnet {
		cls, sep, pad, mask = c.CLS.or("<s>"), c.SEP.or("</s>"), c.PAD.or("<pad>"), c.MASK.or("<mask>")
	}
	unknown, maxChars := c.UNK.or("[UNK]"), 100
	f := file{
		normalizer: jsonOf(map[string]any{
			"type": "BertNormalizer", "clean_text": true, "lowercase": c.Lowercase == nil || *c.Lowercase,
			"handle_chinese_chars": c.Chinese == nil || *c.Chinese, "strip_accents": c.StripAccents,
		}),
		preTokenizer: jsonOf(map[string]any{"type": "BertPreTokenizer"}),
		decoder:      jsonOf(map[string]any{"type": "WordPiece", "prefix": "##", "cleanup": true}),
		model:        &modelSection{kind: "WordPiece", hasVocab: true, unknown: &unknown, prefix: "##", hasPrefix: true, maxChars: &maxChars},
	}
	f.model.addLines(vocab)
	if err := f.addSpecials(mpnet, mask, unknown, sep, pad, cls, mask); err != nil {
		return nil, err
	}
	ids := f.model.ids(cls, sep)
	return f.buildAround(mpnetOr(mpnet, ids[0], ids[1]))
}

// mpnetOr is MPNet's template, or BERT's.
func mpnetOr(mpnet bool, cls, sep int32) template {
	t := bertTemplate(cls, sep)
	if mpnet {
		t.pair = []slot{idSlot(cls, 0), textSlot(0, 0), idSlot(sep, 0), idSlot(sep, 0), textSlot(1, 1), idSlot(sep, 1)}
	}
	return t
}

func parseMerges(vocab, merges []byte, c *configFile) (*Tokenizer, error) {
	if len(vocab)+len(merges) > maxFile {
		return nil, fmt.Errorf("%d bytes, but at most %d are read", len(vocab)+len(merges), maxFile)
	}
	m := &modelSection{kind: "BPE", hasVocab: true}
	dec := jsontext.NewDecoder(bytes.NewBuffer(vocab), jsontext.AllowDuplicateNames(true))
	if err := m.readVocabulary(dec); err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value; give the file as published")
	}
	if err := m.addMergeLines(merges); err != nil {
		return nil, fmt.Errorf("merges%w", err)
	}
	cls, sep, mask := c.CLS.or("<s>"), c.SEP.or("</s>"), c.MASK.or("<mask>")
	f := file{
		preTokenizer: jsonOf(map[string]any{"type": "ByteLevel", "add_prefix_space": c.AddPrefixSpace, "trim_offsets": true}),
		decoder:      jsonOf(map[string]any{"type": "ByteLevel"}),
		model:        m,
	}
	if err := f.addSpecials(true, mask, c.BOS.or("<s>"), c.EOS.or("</s>"), c.UNK.or("<unk>"), sep, cls, c.PAD.or("<pad>"), mask); err != nil {
		return nil, err
	}
	ids := m.ids(cls, sep)
	f.postProcessor = jsonOf(map[string]any{
		"type": "RobertaProcessing", "cls": []any{cls, ids[0]}, "sep": []any{sep, ids[1]},
		"trim_offsets": true, "add_prefix_space": c.AddPrefixSpace,
	})
	return f.build()
}

// jsonOf is a section, of values that are always valid JSON.
func jsonOf(v map[string]any) jsontext.Value {
	b, err := json.Marshal(v)
	if err != nil { // a token of the config that is not UTF-8
		return nil
	}
	return b
}

// addLines adds the tokens of a vocab.txt: the line's number is the id.
func (m *modelSection) addLines(vocab []byte) {
	for line := range bytes.Lines(vocab) {
		start := len(m.text)
		m.text = append(m.text, bytes.TrimRight(line, "\r\n")...)
		m.entries = append(m.entries, entry{start, len(m.text), int32(len(m.entries))})
	}
}

// addMergeLines adds the merges of a merges.txt, but for the line with its version.
func (m *modelSection) addMergeLines(merges []byte) error {
	for line := range bytes.Lines(merges) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 || bytes.HasPrefix(line, []byte("#version")) {
			continue
		}
		start := len(m.text)
		m.text = append(m.text, line...)
		if err := m.addMerge(span{start, len(m.text)}); err != nil {
			return err
		}
	}
	return nil
}

// ids are the ids of tokens, noToken for one that is not there.
func (m *modelSection) ids(tokens ...string) []int32 {
	ids := make([]int32, len(tokens))
	for i, token := range tokens {
		ids[i] = noToken
		for _, e := range m.entries {
			if string(m.text[e.start:e.end]) == token {
				ids[i] = e.id
			}
		}
	}
	return ids
}

// addSpecials makes added tokens of the special tokens, which must be in the vocabulary. Only mask takes the white space
// before it, and only where that is said.
func (f *file) addSpecials(strip bool, mask string, tokens ...string) error {
	ids := f.model.ids(tokens...)
	var list []addedSection
	seen := map[string]bool{}
	for i, token := range tokens {
		if seen[token] {
			continue
		}
		seen[token] = true
		if ids[i] == noToken {
			return fmt.Errorf("no token %.100q; say in tokenizer_config.json what the special tokens are", token)
		}
		list = append(list, addedSection{ID: &ids[i], Content: token, LStrip: strip && token == mask, Special: true})
	}
	added, err := json.Marshal(list)
	f.added = added
	return err
}

// buildAround builds with a template that no post-processor says.
func (f *file) buildAround(around template) (*Tokenizer, error) {
	t, err := f.build()
	if err == nil {
		t.around = around
	}
	return t, err
}
