package encoder

import (
	"encoding/json"
	"fmt"
)

// Config has the dimensions of a model, under the names of Hugging Face's config.json.
type Config struct {
	ModelType    string  `json:"model_type"`
	Vocabulary   int     `json:"vocab_size"`
	Positions    int     `json:"max_position_embeddings"` // tokens of the longest text
	TokenTypes   int     `json:"type_vocab_size"`
	Hidden       int     `json:"hidden_size"`
	Intermediate int     `json:"intermediate_size"`
	Heads        int     `json:"num_attention_heads"`
	Layers       int     `json:"num_hidden_layers"`
	Epsilon      float64 `json:"layer_norm_eps"`
	Activation   string  `json:"hidden_act"`
	PositionType string  `json:"position_embedding_type"`
}

// ParseConfig reads config.json and checks it.
func ParseConfig(b []byte) (Config, error) {
	c := Config{ModelType: "bert", TokenTypes: 2, Epsilon: 1e-12, Activation: "gelu"}
	if err := json.Unmarshal(b, &c); err != nil {
		return Config{}, fmt.Errorf("encoder: config.json: %w", err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, fmt.Errorf("encoder: config.json: %w", err)
	}
	return c, nil
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
	switch {
	case c.ModelType != "bert":
		return fmt.Errorf("model_type is %q; only \"bert\" is supported", c.ModelType)
	case c.Activation != "gelu":
		return fmt.Errorf("hidden_act is %q; only \"gelu\" is supported", c.Activation)
	case c.PositionType != "" && c.PositionType != "absolute":
		return fmt.Errorf("position_embedding_type is %q; only \"absolute\" is supported", c.PositionType)
	case c.Hidden%c.Heads != 0:
		return fmt.Errorf("hidden_size %d is not a multiple of num_attention_heads %d", c.Hidden, c.Heads)
	case !(c.Epsilon >= 0 && c.Epsilon <= 1):
		return fmt.Errorf("layer_norm_eps is %v; it must lie between 0 and 1", c.Epsilon)
	}
	return nil
}

// headSize is the number of values each head works on.
func (c Config) headSize() int { return c.Hidden / c.Heads }
