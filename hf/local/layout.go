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

// The files of a model folder, as sentence-transformers lays it out.
const (
	weightsFile   = "model.safetensors"
	configFile    = "config.json"
	tokenizerFile = "tokenizer.json"
	modulesFile   = "modules.json"
	limitFile     = "sentence_bert_config.json"
	promptsFile   = "config_sentence_transformers.json"
)

// layout is what the small files of a model folder say.
type layout struct {
	transformer string // folder of config, tokenizer and weights, "" for the top
	pooling     string // folder of the pooling's config, "" if there is none
	output      encoder.Output
	maxTokens   int // 0 if the folder does not say
	prompts     map[hf.Role]string
}

// readLayout reads the small files. Only config.json and tokenizer.json, read elsewhere, must be there: without
// modules.json the vector is the mean over the tokens, as sentence-transformers has it.
func readLayout(fsys fs.FS) (layout, error) {
	l := layout{}
	if err := l.readModules(fsys); err != nil {
		return layout{}, err
	}
	if err := l.readPooling(fsys); err != nil {
		return layout{}, err
	}
	if err := l.readLimit(fsys); err != nil {
		return layout{}, err
	}
	if err := l.readPrompts(fsys); err != nil {
		return layout{}, err
	}
	for _, name := range []string{configFile, tokenizerFile, weightsFile} {
		if _, err := fs.Stat(fsys, l.path(name)); err != nil {
			return layout{}, fmt.Errorf("model folder: %w", err)
		}
	}
	return l, nil
}

// path is where a file of the transformer lies.
func (l *layout) path(name string) string { return path.Join(l.transformer, name) }

// files lists the small files.
func (l *layout) files() []string {
	list := []string{modulesFile, promptsFile, l.path(configFile), l.path(tokenizerFile), l.path(limitFile), "LICENSE"}
	if l.pooling != "" {
		list = append(list, path.Join(l.pooling, configFile))
	}
	return list
}

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
		case kind == "Pooling" && i == 1:
			l.pooling = m.Path
		case kind == "Normalize" && i > 1:
			l.output.Normalize = true
		default:
			return fmt.Errorf("%s: module %d is %q; only Transformer, Pooling and Normalize, in this order, are supported", modulesFile, i, m.Type)
		}
	}
	return nil
}

func (l *layout) readPooling(fsys fs.FS) error {
	if l.pooling == "" {
		return nil
	}
	name := path.Join(l.pooling, configFile)
	var c map[string]any
	found, err := readJSON(fsys, name, &c)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	modes := poolingModes(c)
	if len(modes) != 1 || modes[0] != "mean_tokens" && modes[0] != "cls_token" {
		return fmt.Errorf("%s: pooling is %q; exactly one of mean_tokens and cls_token is supported", name, modes)
	}
	if modes[0] == "cls_token" {
		l.output.Pooling = encoder.CLS
	}
	return nil
}

// poolingModes lists the modes that are switched on, under either spelling of the file.
func poolingModes(c map[string]any) []string {
	var modes []string
	for key, value := range c {
		if mode, ok := strings.CutPrefix(key, "pooling_mode_"); ok && value == true {
			modes = append(modes, mode)
		}
	}
	switch c["pooling_mode"] {
	case "mean":
		modes = append(modes, "mean_tokens")
	case "cls":
		modes = append(modes, "cls_token")
	case nil:
	default:
		modes = append(modes, fmt.Sprint(c["pooling_mode"]))
	}
	return modes
}

func (l *layout) readLimit(fsys fs.FS) error {
	var c struct {
		MaxSeqLength *int `json:"max_seq_length"`
	}
	if _, err := readJSON(fsys, l.path(limitFile), &c); err != nil || c.MaxSeqLength == nil {
		return err
	}
	l.maxTokens = *c.MaxSeqLength
	if l.maxTokens < minTokens {
		return fmt.Errorf("%s: max_seq_length is %d; it must be at least %d", limitFile, l.maxTokens, minTokens)
	}
	return nil
}

// readPrompts reads the prompts under the names that models use for the two roles.
func (l *layout) readPrompts(fsys fs.FS) error {
	var c struct{ Prompts map[string]string }
	if _, err := readJSON(fsys, promptsFile, &c); err != nil {
		return err
	}
	l.prompts = map[hf.Role]string{}
	for _, known := range []struct {
		name string
		role hf.Role
	}{{"query", hf.Query}, {"passage", hf.Document}, {"document", hf.Document}} {
		if p := c.Prompts[known.name]; p != "" {
			l.prompts[known.role] = p
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
