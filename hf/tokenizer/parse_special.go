package tokenizer

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// readSpecial takes from the post-processor what goes around texts, and whether offsets are trimmed.
func (f *file) readSpecial(t *Tokenizer) error {
	list, err := flatten("post_processor", "processors", f.postProcessor, 0)
	if err != nil {
		return err
	}
	t.around = template{single: []slot{textSlot(0, 0)}, pair: []slot{textSlot(0, 0), textSlot(1, 1)}}
	templates := 0
	for _, s := range list {
		if s.kind != "ByteLevel" {
			templates++
		}
		if templates > 1 {
			return s.errorf("a second processor with special tokens is not supported")
		}
		if err := t.postProcess(s); err != nil {
			return err
		}
	}
	for _, slot := range append(t.around.single[:len(t.around.single):len(t.around.single)], t.around.pair...) {
		for _, id := range slot.ids {
			if id < 0 || int(id) >= t.vocabSize {
				return fmt.Errorf("post_processor: id %d is outside the vocabulary of %d", id, t.vocabSize)
			}
		}
	}
	return nil
}

// postProcess obeys one post-processor.
func (t *Tokenizer) postProcess(s section) (err error) {
	switch s.kind {
	case "TemplateProcessing":
		t.around, err = readTemplate(s)
	case "BertProcessing":
		t.around, err = readBertProcessing(s)
	case "RobertaProcessing":
		err = t.readRobertaProcessing(s)
	case "ByteLevel":
		p := trimSection{Trim: true, Prefix: true}
		err = s.read(&p)
		t.setTrim(p)
	default:
		err = s.unsupported("TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel and Sequence")
	}
	return err
}

// trimSection is a ByteLevel post-processor.
type trimSection struct {
	Type   string `json:"type"`
	Prefix bool   `json:"add_prefix_space"`
	Trim   bool   `json:"trim_offsets"`
	Regex  bool   `json:"use_regex"` // a matter of the pre-tokenizer
}

// setTrim makes offsets be trimmed, where wanted.
func (t *Tokenizer) setTrim(p trimSection) {
	if !p.Trim {
		return
	}
	t.trim = &spaceTrimmer{prefix: p.Prefix, pads: map[int32]pad{}, added: t.addedIDs}
	for id, token := range t.tokens {
		if at := padOf(token); at != (pad{}) {
			t.trim.pads[int32(id)] = at
		}
	}
}

// clsSep is a BertProcessing or a RobertaProcessing: {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]}.
type clsSep struct {
	Type   string           `json:"type"`
	CLS    []jsontext.Value `json:"cls"`
	SEP    []jsontext.Value `json:"sep"`
	Trim   bool             `json:"trim_offsets"`
	Prefix bool             `json:"add_prefix_space"`
}

func (p *clsSep) read(s section) (cls, sep int32, err error) {
	if err := s.read(p); err != nil {
		return 0, 0, err
	}
	if len(p.CLS) != 2 || len(p.SEP) != 2 {
		return 0, 0, s.errorf("cls, sep: each must be a token and its id")
	}
	if err := json.Unmarshal(p.CLS[1], &cls); err != nil {
		return 0, 0, s.errorf("cls: %w", err)
	}
	if err := json.Unmarshal(p.SEP[1], &sep); err != nil {
		return 0, 0, s.errorf("sep: %w", err)
	}
	return cls, sep, nil
}

func readBertProcessing(s section) (template, error) {
	cls, sep, err := new(clsSep).read(s)
	return bertTemplate(cls, sep), err
}

// bertTemplate is [CLS] A [SEP], and [CLS] A [SEP] B [SEP].
func bertTemplate(cls, sep int32) template {
	return template{
		single: []slot{idSlot(cls, 0), textSlot(0, 0), idSlot(sep, 0)},
		pair:   []slot{idSlot(cls, 0), textSlot(0, 0), idSlot(sep, 0), textSlot(1, 1), idSlot(sep, 1)},
	}
}

func (t *Tokenizer) readRobertaProcessing(s section) error {
	p := clsSep{Trim: true, Prefix: true}
	cls, sep, err := p.read(s)
	t.around = robertaTemplate(cls, sep)
	t.setTrim(trimSection{Trim: p.Trim, Prefix: p.Prefix})
	return err
}

// robertaTemplate is <s> A </s>, and <s> A </s></s> B </s>.
func robertaTemplate(cls, sep int32) template {
	return template{
		single: []slot{idSlot(cls, 0), textSlot(0, 0), idSlot(sep, 0)},
		pair:   []slot{idSlot(cls, 0), textSlot(0, 0), idSlot(sep, 0), idSlot(sep, 0), textSlot(1, 0), idSlot(sep, 0)},
	}
}

// templateSection is a TemplateProcessing.
type templateSection struct {
	Type         string                      `json:"type"`
	Single       []templatePiece             `json:"single"`
	Pair         []templatePiece             `json:"pair"`
	SpecialToken map[string]templateSpecials `json:"special_tokens"`
}

type templatePiece struct {
	SpecialToken *templateID
	Sequence     *templateID
}

type templateID struct {
	ID     string `json:"id"`
	TypeID int32  `json:"type_id"`
}

type templateSpecials struct {
	ID     string   `json:"id"`
	IDs    []int32  `json:"ids"`
	Tokens []string `json:"tokens"`
}

func readTemplate(s section) (t template, err error) {
	var p templateSection
	if err := s.read(&p); err != nil {
		return t, err
	}
	if t.single, err = p.slots(s, "single", p.Single, 1); err == nil {
		t.pair, err = p.slots(s, "pair", p.Pair, 2)
	}
	return t, err
}

// slots is one of the templates; it has each of so many texts once.
func (p *templateSection) slots(s section, name string, pieces []templatePiece, texts int) ([]slot, error) {
	var list []slot
	var seen [2]int
	for i, x := range pieces {
		switch {
		case x.Sequence != nil && (x.Sequence.ID == "A" || x.Sequence.ID == "B"):
			text := int(x.Sequence.ID[0] - 'A')
			seen[text]++
			list = append(list, textSlot(text, x.Sequence.TypeID))
		case x.SpecialToken != nil:
			ids := p.SpecialToken[x.SpecialToken.ID].IDs
			if len(ids) == 0 {
				return nil, s.errorf("special_tokens.%.100s.ids: has no ids", x.SpecialToken.ID)
			}
			list = append(list, slot{noText, ids, x.SpecialToken.TypeID})
		default:
			return nil, s.errorf("%s[%d]: must be a special token or one of the texts A and B", name, i)
		}
	}
	if seen[0] != 1 || seen[1] != texts-1 {
		return nil, s.errorf("%s: must have each text once", name)
	}
	return list, nil
}
