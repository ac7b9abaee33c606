package tokenizer

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// template is a TemplateProcessing section, as far as we use it: what goes around a single text.
type template struct {
	Single       []templatePiece             `json:"single"`
	SpecialToken map[string]templateSpecials `json:"special_tokens"`
}

type templatePiece struct {
	SpecialToken *templateID
	Sequence     *templateID
}

type templateID struct {
	ID string `json:"id"`
}

type templateSpecials struct {
	IDs []int32 `json:"ids"`
}

// readSpecial takes CLS and SEP from the post-processor.
func (f *file) readSpecial(t *Tokenizer) error {
	kind, err := stageType("post_processor", f.postProcessor, "TemplateProcessing", "BertProcessing")
	if err != nil {
		return err
	}
	if kind == "BertProcessing" {
		err = f.readBertProcessing(t)
	} else {
		err = f.readTemplate(t)
	}
	if err != nil {
		return fmt.Errorf("post_processor: %w", err)
	}
	for _, id := range []int32{t.cls, t.sep} {
		if id < 0 || int(id) >= t.vocabSize {
			return fmt.Errorf("post_processor: id %d is outside the vocabulary of %d", id, t.vocabSize)
		}
	}
	return nil
}

func (f *file) readTemplate(t *Tokenizer) error {
	var p template
	if err := json.Unmarshal(f.postProcessor, &p); err != nil {
		return err
	}
	if len(p.Single) != 3 || p.Single[1].Sequence == nil {
		return errors.New("single: must be one special token, the text and one special token")
	}
	var err error
	if t.cls, err = p.special(0); err != nil {
		return err
	}
	t.sep, err = p.special(2)
	return err
}

// special is the id of the special token at single[i].
func (p *template) special(i int) (int32, error) {
	name := p.Single[i].SpecialToken
	if name == nil {
		return 0, fmt.Errorf("single[%d]: must be a special token", i)
	}
	ids := p.SpecialToken[name.ID].IDs
	if len(ids) != 1 {
		return 0, fmt.Errorf("special_tokens.%.100s.ids: has %d ids, must have one", name.ID, len(ids))
	}
	return ids[0], nil
}

// readBertProcessing reads the older form: {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]}.
func (f *file) readBertProcessing(t *Tokenizer) error {
	var p struct {
		CLS []jsontext.Value `json:"cls"`
		SEP []jsontext.Value `json:"sep"`
	}
	if err := json.Unmarshal(f.postProcessor, &p); err != nil {
		return err
	}
	if len(p.CLS) != 2 || len(p.SEP) != 2 {
		return errors.New("cls, sep: each must be a token and its id")
	}
	if err := json.Unmarshal(p.CLS[1], &t.cls); err != nil {
		return fmt.Errorf("cls: %w", err)
	}
	if err := json.Unmarshal(p.SEP[1], &t.sep); err != nil {
		return fmt.Errorf("sep: %w", err)
	}
	return nil
}
