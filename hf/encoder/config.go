package encoder

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Config has the dimensions of a model, under the names of Hugging Face's config.json.
type Config struct {
	ModelType    string  `json:"model_type"`
	Vocabulary   int     `json:"vocab_size"`
	Positions    int     `json:"max_position_embeddings"` // rows of the table; MaxTokens says how many are of use
	TokenTypes   int     `json:"type_vocab_size"`
	PadToken     *int    `json:"pad_token_id"`
	Hidden       int     `json:"hidden_size"`
	Intermediate int     `json:"intermediate_size"`
	Heads        int     `json:"num_attention_heads"`
	Layers       int     `json:"num_hidden_layers"`
	Epsilon      float64 `json:"layer_norm_eps"`
	Activation   string  `json:"hidden_act"`
	PositionType string  `json:"position_embedding_type"`

	Architectures []string          `json:"architectures"` // the class it was saved from, which says whether it has a head
	Labels        map[string]string `json:"id2label"`      // the classes of the head, by number
	ProblemType   string            `json:"problem_type"`
}

// maxClasses is more than any head has.
const maxClasses = 64 << 10

// ParseConfig reads config.json and checks it.
func ParseConfig(b []byte) (Config, error) {
	c, err := parseConfig(b)
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		return Config{}, fmt.Errorf("encoder: config.json: %w", err)
	}
	return c, nil
}

func parseConfig(b []byte) (Config, error) {
	c := Config{ModelType: "bert", TokenTypes: 2, Epsilon: 1e-12, Activation: "gelu"}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return c, err
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, err
	}
	a, err := architectureOf(c.ModelType)
	if err != nil || len(a.aliases) == 0 {
		return c, err
	}
	for own, usual := range a.aliases {
		if value, ok := fields[own]; ok {
			fields[usual] = value
		}
	}
	if b, err = json.Marshal(fields); err != nil {
		return c, err
	}
	return c, json.Unmarshal(b, &c)
}

// Validate makes sure that this package can compute the model and that no dimension is out of all proportion.
func (c Config) Validate() error {
	for _, f := range []struct {
		name       string
		value, max int
	}{
		{"vocab_size", c.Vocabulary, 4 << 20},
		{"max_position_embeddings", c.Positions, 64 << 10},
		{"type_vocab_size", c.TokenTypes, 1 << 10},
		{"hidden_size", c.Hidden, 16 << 10},
		{"intermediate_size", c.Intermediate, 64 << 10},
		{"num_attention_heads", c.Heads, 1 << 10},
		{"num_hidden_layers", c.Layers, 1 << 10},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("%s is %d; it must lie between 1 and %d", f.name, f.value, f.max)
		}
	}
	if _, err := architectureOf(c.ModelType); err != nil {
		return err
	}
	if _, err := activation(c.Activation); err != nil {
		return fmt.Errorf("hidden_act: %w", err)
	}
	switch {
	case c.PositionType != "" && c.PositionType != "absolute":
		return fmt.Errorf("position_embedding_type is %q; only \"absolute\" is supported", c.PositionType)
	case c.Hidden%c.Heads != 0:
		return fmt.Errorf("hidden_size %d is not a multiple of num_attention_heads %d", c.Hidden, c.Heads)
	case !(c.Epsilon >= 0 && c.Epsilon <= 1):
		return fmt.Errorf("layer_norm_eps is %v; it must lie between 0 and 1", c.Epsilon)
	case c.firstPosition() < 0 || c.MaxTokens() < 1:
		return fmt.Errorf("pad_token_id is %d; the positions, %d, begin after it", c.firstPosition()-1, c.Positions)
	}
	return c.validateClasses()
}

// validateClasses makes sure that the classes are numbered from 0 on.
func (c Config) validateClasses() error {
	if len(c.Labels) > maxClasses {
		return fmt.Errorf("id2label has %d classes; at most %d are read", len(c.Labels), maxClasses)
	}
	for i := range len(c.Labels) {
		if _, ok := c.Labels[strconv.Itoa(i)]; !ok {
			return fmt.Errorf("id2label has %d classes, but none with the number %d", len(c.Labels), i)
		}
	}
	return nil
}

// MaxTokens is the number of tokens of the longest text, special tokens included.
func (c Config) MaxTokens() int { return c.Positions - c.firstPosition() }

// firstPosition is the row of the position table that belongs to the first token.
func (c Config) firstPosition() int {
	switch {
	case !architectures()[c.ModelType].offset:
		return 0
	case c.PadToken == nil:
		return 2 // [PAD] is 1 in all families that count from there
	}
	return *c.PadToken + 1
}

// Classes are the names of the classes that the model's head decides between, none for a model without such a head.
func (c Config) Classes() []string {
	if len(c.Architectures) == 0 || !strings.HasSuffix(c.Architectures[0], "ForSequenceClassification") {
		return nil
	}
	if len(c.Labels) == 0 {
		return []string{"LABEL_0", "LABEL_1"} // what a file that leaves them out means
	}
	names := make([]string, len(c.Labels))
	for i := range names {
		names[i] = c.Labels[strconv.Itoa(i)]
	}
	return names
}

// headSize is the number of values each head works on.
func (c Config) headSize() int { return c.Hidden / c.Heads }
