package library

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"searchd/hf"
)

const (
	weightsFile = "model.safetensors"
	shardIndex  = "model.safetensors.index.json"
	pickleFile  = "pytorch_model.bin"

	maxHeader = 16 << 20 // of weights that are only described
	maxReadme = 4 << 10  // of which the licence is read
)

// describe reads the small files of a model. What it says is what opening the model would, as far as these files have it.
func (l *Library) describe(dir string, card hf.Card) Found {
	fsys := folder{os.DirFS(dir)}
	f := Found{Dir: dir, Card: card}
	f.Kind, f.Err = l.o.Kind(fsys)
	f.Card.Task = map[Kind]string{Embedder: "sentence-similarity", Classifier: "text-classification", Reranker: "text-ranking"}[f.Kind]
	top := transformer(fsys)
	describeConfig(fsys, top, &f.Card)
	if f.Kind == Classifier || f.Kind == Reranker {
		f.Card.Dimensions = 0
	} else {
		describeModules(fsys, &f.Card)
	}
	describeWeights(fsys, path.Join(top, weightsFile), &f.Card)
	f.Card.Licence = licence(fsys)
	f.Card.Null, _ = l.nulls.get(f.Card.Revision)
	return f
}

// weightsOf is the name of the file that has the weights, as far as it is one.
func weightsOf(dir string) string {
	top := transformer(os.DirFS(dir))
	for _, name := range []string{weightsFile, pickleFile} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(top), name)); err == nil {
			return path.Join(top, name)
		}
	}
	return path.Join(top, shardIndex)
}

type module struct{ Type, Path string }

func modules(fsys fs.FS) []module {
	var list []module
	decode(fsys, "modules.json", &list)
	return list
}

// transformer is the folder of the configuration and the weights.
func transformer(fsys fs.FS) string {
	if list := modules(fsys); len(list) > 0 && fs.ValidPath(list[0].Path) {
		return list[0].Path
	}
	return "."
}

// decode reads a file if it is there and makes sense: what does not is for those who open the model to complain about.
func decode(fsys fs.FS, name string, into any) {
	if b, err := fs.ReadFile(fsys, name); err == nil {
		_ = json.Unmarshal(b, into)
	}
}

func describeConfig(fsys fs.FS, top string, card *hf.Card) {
	var c struct {
		ModelType string `json:"model_type"`
		Hidden    int    `json:"hidden_size"`
		Dim       int    `json:"dim"` // of DistilBERT
		Positions int    `json:"max_position_embeddings"`
	}
	var limit struct {
		Tokens int `json:"max_seq_length"`
	}
	var tokenizer struct {
		Tokens float64 `json:"model_max_length"` // beyond all bounds where there is none
	}
	decode(fsys, path.Join(top, "config.json"), &c)
	decode(fsys, path.Join(top, "sentence_bert_config.json"), &limit)
	decode(fsys, path.Join(top, "tokenizer_config.json"), &tokenizer)
	card.Architecture, card.Dimensions, card.MaxTokens = c.ModelType, max(c.Hidden, c.Dim), c.Positions
	switch c.ModelType {
	case "roberta", "xlm-roberta", "camembert", "mpnet": // the first two positions stand for no token
		card.MaxTokens = max(0, c.Positions-2)
	}
	switch {
	case limit.Tokens > 0:
		card.MaxTokens = min(card.MaxTokens, limit.Tokens)
	case tokenizer.Tokens > 0 && tokenizer.Tokens < float64(card.MaxTokens):
		card.MaxTokens = int(tokenizer.Tokens)
	}
}

func describeModules(fsys fs.FS, card *hf.Card) {
	card.Pooling = "mean"
	for _, m := range modules(fsys) {
		switch kind := m.Type[strings.LastIndexByte(m.Type, '.')+1:]; kind {
		case "Normalize":
			card.Normalized = true
		case "Pooling":
			card.Pooling = pooling(fsys, path.Join(m.Path, "config.json"))
		case "Dense":
			var c struct {
				Out int `json:"out_features"`
			}
			if decode(fsys, path.Join(m.Path, "config.json"), &c); c.Out > 0 {
				card.Dimensions = c.Out
			}
		}
	}
}

// pooling reads the mode, under either spelling of the file; none means the mean.
func pooling(fsys fs.FS, name string) string {
	var c struct {
		Mode      string `json:"pooling_mode"`
		CLS       bool   `json:"pooling_mode_cls_token"`
		Max       bool   `json:"pooling_mode_max_tokens"`
		LastToken bool   `json:"pooling_mode_lasttoken"`
	}
	decode(fsys, name, &c)
	switch {
	case c.Mode != "":
		return c.Mode
	case c.CLS:
		return "cls"
	case c.Max:
		return "max"
	case c.LastToken:
		return "lasttoken"
	}
	return "mean"
}

// describeWeights counts the weights from the header of their file, without reading more of it. Of other forms of weights
// the count is known when they have been opened.
func describeWeights(fsys folder, name string, card *hf.Card) {
	f, err := fsys.FS.Open(name)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	var length [8]byte
	if _, err := io.ReadFull(f, length[:]); err != nil {
		return
	}
	var header map[string]struct {
		DType string `json:"dtype"`
		Shape []int64
	}
	text := io.LimitReader(f, int64(min(binary.LittleEndian.Uint64(length[:]), maxHeader)))
	if json.NewDecoder(text).Decode(&header) != nil {
		return
	}
	for name, t := range header {
		word := precision(t.DType)
		if word == "" || strings.HasSuffix(name, ".scales") || strings.Contains(name, "pooler.") {
			continue // position ids, what belongs to int8 values, and a layer that is not used
		}
		card.Parameters += product(t.Shape)
		if strings.HasSuffix(name, "word_embeddings.weight") || card.Precision == "" {
			card.Precision = word
		}
	}
}

// precision is a type of values, in words.
func precision(dtype string) string {
	return map[string]string{"F32": "float32", "F16": "float16", "BF16": "bfloat16", "I8": "int8"}[dtype]
}

func product(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// licence is what the model's README says in the lines at its beginning, between two of ---.
func licence(fsys fs.FS) string {
	f, err := fsys.Open("README.md")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewScanner(io.LimitReader(f, maxReadme))
	for first := true; lines.Scan(); first = false {
		line := strings.TrimSpace(lines.Text())
		if value, ok := strings.CutPrefix(line, "license:"); ok && !first {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
		if (line == "---") != first {
			return "" // no such lines, or their end
		}
	}
	return ""
}
