package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"searchd/hf"
	"searchd/hf/encoder"
)

// The files of a model folder, as transformers and sentence-transformers lay it out.
const (
	weightsFile = "model.safetensors"
	configFile  = "config.json"
	modulesFile = "modules.json"
	promptsFile = "config_sentence_transformers.json"
)

// limitFiles are the names under which sentence-transformers has kept the limit, the first that is there counts.
func limitFiles() []string {
	var names []string
	for _, kind := range []string{"bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"} {
		names = append(names, "sentence_"+kind+"_config.json")
	}
	return names
}

// layout is what the small files of a model folder say.
type layout struct {
	config      encoder.Config
	transformer string  // folder of config, tokenizer and weights, "" for the top
	pooling     string  // folder of the pooling's config, "" if there is none
	dense       []dense // the layers after the pooling
	output      encoder.Output
	maxTokens   int // 0 if the folder does not say
	lowerCase   bool
	prompts     map[hf.Role]string
}

// readLayout reads the small files. Only config.json and a tokenizer must be there, and the weights: without
// modules.json the vector is the mean over the tokens, as sentence-transformers has it.
func readLayout(fsys fs.FS) (layout, error) {
	l := layout{}
	for _, read := range []func(fs.FS) error{l.readModules, l.readConfig, l.readPrompts, l.readPooling, l.readDense, l.readLimit} {
		if err := read(fsys); err != nil {
			return layout{}, err
		}
	}
	if _, err := fs.Stat(fsys, l.path(weightsFile)); err != nil {
		return layout{}, fmt.Errorf("model folder: %w", err)
	}
	return l, l.checkVocabulary(fsys)
}

// path is where a file of the transformer lies.
func (l *layout) path(name string) string { return path.Join(l.transformer, name) }

// files lists the files beside the weights of the transformer.
func (l *layout) files() []string {
	list := []string{modulesFile, promptsFile, l.path(configFile), l.path(tokenizerFile), l.path(tokensFile), "LICENSE"}
	for _, name := range append(limitFiles(), vocabFile, piecesFile, mergesFile) {
		list = append(list, l.path(name))
	}
	if l.pooling != "" {
		list = append(list, path.Join(l.pooling, configFile))
	}
	for _, d := range l.dense {
		list = append(list, path.Join(d.folder, configFile), path.Join(d.folder, weightsFile))
	}
	return list
}

// readModules finds the folders of the parts.
func (l *layout) readModules(fsys fs.FS) error {
	var modules []struct{ Type, Path string }
	found, err := readJSON(fsys, modulesFile, &modules)
	if err != nil || !found {
		return err
	}
	for i, m := range modules {
		if m.Path != "" && !fs.ValidPath(m.Path) {
			return fmt.Errorf("%s: path %q of module %d leads out of the folder", modulesFile, m.Path, i)
		}
		kind := m.Type[strings.LastIndexByte(m.Type, '.')+1:]
		switch {
		case kind == "Transformer" && i == 0:
			l.transformer = m.Path
		case kind == "Pooling" && i == 1 && m.Path != "":
			l.pooling = m.Path
		case kind == "Dense" && i > 1 && m.Path != "" && !l.output.Normalize:
			l.dense = append(l.dense, dense{folder: m.Path})
		case kind == "Normalize" && i > 1:
			l.output.Normalize = true
		default:
			return fmt.Errorf("%s: module %d is %q; only Transformer, Pooling, Dense and Normalize, in this order and each in its folder, are supported", modulesFile, i, m.Type)
		}
	}
	return nil
}

func (l *layout) readConfig(fsys fs.FS) error {
	b, err := view(fsys, l.path(configFile))
	if err != nil {
		return fmt.Errorf("model folder: %w", err)
	}
	l.config, err = encoder.ParseConfig(b)
	return err
}

// readLimit finds the most tokens of a text.
func (l *layout) readLimit(fsys fs.FS) error {
	var c struct {
		MaxSeqLength *int `json:"max_seq_length"`
		DoLowerCase  bool `json:"do_lower_case"`
	}
	for _, name := range limitFiles() {
		found, err := readJSON(fsys, l.path(name), &c)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		l.lowerCase = c.DoLowerCase
		if c.MaxSeqLength != nil {
			l.maxTokens = *c.MaxSeqLength
			return atLeastMinimum(name, "max_seq_length", l.maxTokens)
		}
		break
	}
	return l.readTokenizerLimit(fsys)
}

// readTokenizerLimit takes the tokenizer's own limit, which is a number beyond all bounds where there is none.
func (l *layout) readTokenizerLimit(fsys fs.FS) error {
	var c struct {
		ModelMaxLength *float64 `json:"model_max_length"`
	}
	if _, err := readJSON(fsys, l.path(tokensFile), &c); err != nil || c.ModelMaxLength == nil {
		return err
	}
	if *c.ModelMaxLength > float64(l.config.MaxTokens()) {
		return nil
	}
	l.maxTokens = int(*c.ModelMaxLength)
	return atLeastMinimum(tokensFile, "model_max_length", l.maxTokens)
}

func atLeastMinimum(file, field string, n int) error {
	if n < minTokens {
		return fmt.Errorf("%s: %s is %d; it must be at least %d", file, field, n, minTokens)
	}
	return nil
}

// readPrompts reads the prompts of the two roles: that of the first name which the folder knows, else the default one.
func (l *layout) readPrompts(fsys fs.FS) error {
	var c struct {
		Prompts map[string]string
		Default string `json:"default_prompt_name"`
	}
	if _, err := readJSON(fsys, promptsFile, &c); err != nil {
		return err
	}
	l.prompts = map[hf.Role]string{}
	for role, names := range map[hf.Role][]string{
		hf.Query:    {"query", c.Default},
		hf.Document: {"document", "passage", "corpus", c.Default},
	} {
		for _, name := range names {
			if p, known := c.Prompts[name]; known {
				if p != "" {
					l.prompts[role] = p
				}
				break
			}
		}
	}
	return nil
}

// readJSON decodes a file if it is there.
func readJSON(fsys fs.FS, name string, into any) (found bool, err error) {
	b, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("model folder: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}
