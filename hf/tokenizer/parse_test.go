package tokenizer

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// small is a whole tokenizer.json with a vocabulary of a few tokens.
const small = `{
	"version": "1.0", "truncation": null, "padding": null,
	"added_tokens": [
		{"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
		{"id": 9, "content": "New York", "single_word": true, "lstrip": true, "rstrip": true, "normalized": true, "special": false}
	],
	"normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
	"pre_tokenizer": {"type": "BertPreTokenizer"},
	"post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]},
	"decoder": null,
	"model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
		"vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4, "##a": 5, "ab": 6, "##\u0062": 7, "é": 8}}
}`

// Parts of small.
const (
	smallNormalizer = `{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true}`
	smallModel      = `{"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
		"vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4, "##a": 5, "ab": 6, "##\u0062": 7, "é": 8}}`
)

// nestedSequence is a Sequence of a Sequence and so on.
func nestedSequence(member string) string {
	open := `{"type": "Sequence", "` + member + `": [`
	return strings.Repeat(open, 100) + strings.Repeat("]}", 100)
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name          string
		json          func(t *testing.T) []byte
		cls, sep, pad int32
		size          int
	}{
		{"bundled", readBundled, 101, 102, 0, 30522},
		{"small", func(*testing.T) []byte { return []byte(small) }, 2, 3, 0, 10},
		{"older, without a type of model", func(*testing.T) []byte {
			return []byte(strings.Replace(small, `"type": "WordPiece", `, "", 1))
		}, 2, 3, 0, 10},
		{"without [PAD]", func(*testing.T) []byte { return []byte(strings.ReplaceAll(small, "[PAD]", "[NUL]")) }, 2, 3, -1, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok, err := Parse(c.json(t))
			if err != nil {
				t.Fatal(err)
			}
			if tok.CLS() != c.cls || tok.SEP() != c.sep || tok.PAD() != c.pad || tok.VocabSize() != c.size {
				t.Errorf("CLS %d, SEP %d, PAD %d, size %d", tok.CLS(), tok.SEP(), tok.PAD(), tok.VocabSize())
			}
		})
	}
}

func readBundled(t *testing.T) []byte {
	t.Helper()
	file, err := os.ReadFile(bundled)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestParseRefuses changes one thing of a good file; the error is to name the field.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{small, ``, "EOF"},
		{small, `[]`, "not a JSON object"},
		{small, small + `{}`, "more than one JSON value"},
		{small, small[:len(small)/2], "EOF"},
		{small, `{"version": "1.0"}`, "model: missing"},
		{`"1.0"`, `"2.0"`, "version: "},
		{`"decoder"`, `"decodr"`, `"decodr": unknown field`},
		{`"padding"`, `"truncation"`, `"truncation": given twice`},
		{`"BertNormalizer"`, `"Nmt"`, `normalizer.type: "Nmt" is not supported`},
		{`"BertNormalizer"`, `"Sequence"`, `normalizer.normalizers: `},
		{smallNormalizer, nestedSequence("normalizers"), "more than 8 deep"},
		{smallNormalizer, `{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "x"}]}`, `normalizer.normalizers[1].type: "x" is not supported`},
		{smallNormalizer, `{"type": "Replace", "pattern": {"Regex": "(a|b)*"}, "content": ""}`, "the regular expression \"(a|b)*\" is not supported"},
		{smallNormalizer, `{"type": "Replace", "pattern": {"String": ""}, "content": ""}`, "normalizer: pattern: "},
		{smallNormalizer, `{"type": "Precompiled", "precompiled_charsmap": "!"}`, "normalizer: precompiled_charsmap: "},
		{smallNormalizer, `{"type": "Precompiled", "precompiled_charsmap": "/////w=="}`, "normalizer: precompiled_charsmap: the trie is longer"},
		{`"clean_text": true, `, ``, "normalizer: clean_text"},
		{`"clean_text": true`, `"clean_text": 1`, "normalizer: "},
		{`"lowercase"`, `"lowercas"`, "lowercas"},
		{`"BertPreTokenizer"`, `"ByteLevel"`, `model.type: WordPiece after a ByteLevel pre_tokenizer`},
		{`"BertPreTokenizer"`, `"UnicodeScripts"`, `pre_tokenizer.type: "UnicodeScripts" is not supported`},
		{`{"type": "BertPreTokenizer"}`, `{"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Whitespace"}]}`,
			"pre_tokenizer.pretokenizers[1]: must not come after ByteLevel"},
		{`{"type": "BertPreTokenizer"}`, `{"type": "Split", "pattern": {"String": "a"}, "behavior": "Odd"}`, `behavior: "Odd"`},
		{`{"type": "BertPreTokenizer"}`, `{"type": "Metaspace", "replacement": "ab"}`, "replacement: "},
		{`{"type": "BertPreTokenizer"}`, `{"type": "Metaspace", "replacement": "_", "prepend_scheme": "x"}`, "prepend_scheme: "},
		{`"decoder": null`, `"decoder": {"type": "CTC"}`, `decoder.type: "CTC" is not supported`},
		{`{"type": "BertPreTokenizer"}`, `{"type": "BertPreTokenizer", "x": 1}`, "pre_tokenizer: "},
		{`"BertProcessing"`, `"OtherProcessing"`, "post_processor.type: "},
		{`"[CLS]", 2]`, `"[CLS]", 22]`, "post_processor: id 22 is outside"},
		{`"[CLS]", 2]`, `"[CLS]"]`, "post_processor: cls"},
		{`"type": "WordPiece"`, `"type": "WordLevel"`, `model: type: "WordLevel" is not supported`},
		{`"type": "WordPiece"`, `"type": "BPE"`, "model: max_input_chars_per_word: unknown field of a BPE model"},
		{`"unk_token"`, `"merges": [], "unk_token"`, "model: merges: unknown field of a WordPiece model"},
		{smallModel, `{"type": "BPE", "vocab": {"a": 0}, "merges": []}`, "model.unk_token: missing"},
		{smallModel, `{"type": "BPE", "vocab": {"a": 0}, "unk_token": "a", "merges": ["a b"]}`, `model.merges[0]: "a" and "b" must be`},
		{smallModel, `{"type": "BPE", "vocab": {"a": 0}, "unk_token": "a", "merges": ["a a"]}`, `model.merges[0]: "aa" is not`},
		{smallModel, `{"type": "BPE", "vocab": {"a": 0}, "unk_token": "a", "merges": ["a b c"]}`, "model: merges: [0]: "},
		{smallModel, `{"type": "BPE", "vocab": {"a": 0}, "unk_token": "a", "merges": [["a"]]}`, "model: merges: [0]: not two tokens"},
		{smallModel, `{"type": "BPE", "vocab": {"a": 0}, "dropout": 0.1}`, "model: dropout: 0.1 is not supported"},
		{smallModel, `{"type": "BPE", "vocab": [["a", 0]]}`, "model.vocab: must be"},
		{smallModel, `{"type": "Unigram", "unk_id": 0, "vocab": {"a": 0}}`, "model.vocab: must be"},
		{smallModel, `{"type": "Unigram", "unk_id": 1, "vocab": [["a", 0]]}`, "model.unk_id: must be"},
		{smallModel, `{"type": "Unigram", "unk_id": 0, "vocab": [["a"]]}`, "model: vocab: [0]: not a token and a score"},
		{smallModel, `{"type": "Unigram", "unk_id": 0, "vocab": [["a", "b"]]}`, `model: vocab: [0]: "b" is not a number`},
		{`"ab": 6`, `"ab": 1000000`, `model.vocab: the id 1000000 of "ab"`},
		{`"unk_token": "[UNK]", `, ``, "model.unk_token: missing"},
		{`"unk_token": "[UNK]"`, `"unk_token": "<unk>"`, `model.unk_token: "<unk>" is not in the vocabulary`},
		{`"unk_token": "[UNK]"`, `"unk_token": 1`, "model: unk_token: not a JSON string"},
		{`_word": 100`, `_word": 1000000`, "model: max_input_chars_per_word: 1000000"},
		{`_word": 100`, `_word": -1`, "model: max_input_chars_per_word: -1"},
		{`"ab": 6`, `"ab": 6.5`, `model: vocab: "ab": 6.5`},
		{`"ab": 6`, `"ab": 4294967296`, `model: vocab: "ab": 4294967296`},
		{`"ab": 6`, `"a": 6`, "model.vocab: 1 tokens are given twice"},
		{`"ab": 6`, `"\ud800": 6`, "vocab"},
		{`"id": 9`, `"id": 8`, `added_tokens[1].id: of "New York" must be 9`},
		{`"id": 9, `, ``, "added_tokens[1].id"},
		{`"content": "New York"`, `"content": ""`, "added_tokens[1].content: 0 bytes"},
		{`"content": "New York"`, `"content": "` + strings.Repeat("x", 2000) + `"`, "added_tokens[1].content: 2000 bytes"},
		{`"content": "New York"`, `"content": "\u0301"`, "added_tokens[1].content: nothing of"},
		{`{"id": 9,`, `{"id": 9, "content": "new york", "normalized": true}, {"id": 10,`, "added_tokens[2].content: "},
		{`"rstrip": true`, `"strip": true`, "added_tokens"},
	} {
		_, err := Parse([]byte(strings.Replace(small, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "tokenizer.json: ") {
			t.Errorf("%.60s for %.60s: error %v, want one with %q", c.new, c.old, err, c.want)
		}
	}
}

// TestParseRefusesTemplate is TestParseRefuses for the bundled file's kind of post-processor.
func TestParseRefusesTemplate(t *testing.T) {
	for _, c := range []struct{ processor, want string }{
		{`{"type": "TemplateProcessing", "single": []}`, "post_processor: single: "},
		{`{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}, {"Sequence": {"id": "A"}}]}`, "post_processor: single: must have"},
		{`{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}], "pair": [{"Sequence": {"id": "A"}}]}`, "post_processor: pair: must have"},
		{`{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "C"}}]}`, "post_processor: single[0]: must be"},
		{`{"type": "Sequence", "processors": [{"type": "BertProcessing", "cls": ["", 1], "sep": ["", 1]}, {"type": "RobertaProcessing"}]}`,
			"post_processor.processors[1]: a second"},
		{`{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "X"}}, {"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "X"}}]}`,
			"post_processor: special_tokens.X.ids: has no ids"},
	} {
		file := edited(t, func(config map[string]any) { config["post_processor"] = json.RawMessage(c.processor) })
		if _, err := Parse(file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.processor, err, c.want)
		}
	}
}
