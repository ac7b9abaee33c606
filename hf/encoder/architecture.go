package encoder

import (
	"fmt"
	"maps"
	"slices"
)

// architecture is what sets a family of models apart: the names in its checkpoints, and the few traits that change the
// arithmetic. All families share one forward pass.
type architecture struct {
	prefix  string            // before the encoder's names where the checkpoint has a head as well
	aliases map[string]string // the family's own names for fields of config.json, and the usual ones
	names   names
	head    [2]headLayer

	tokenTypes bool // token types have embeddings
	segments   bool // the second text of a pair has token type 1, not 0
	offset     bool // positions are counted from pad_token_id+1 on
	relative   bool // attention is biased by the distance of two tokens
}

// names are those of the parts of a layer. A part's matrix or scale is its ".weight", what is added its ".bias".
type names struct {
	layers                    string // before a layer's number
	query, key, value, output string
	attentionNorm             string
	grow, shrink              string
	outputNorm                string
}

// headLayer is one of the two linear layers that make logits of the first token's state.
type headLayer struct{ name, activation string }

// The names of the weights that all families share.
const (
	wordEmbeddings     = "embeddings.word_embeddings.weight"
	positionEmbeddings = "embeddings.position_embeddings.weight"
	typeEmbeddings     = "embeddings.token_type_embeddings.weight"
	embeddingNorm      = "embeddings.LayerNorm"
	relativeAttention  = "encoder.relative_attention_bias.weight"
)

// architectures are the families by their model_type.
func architectures() map[string]architecture {
	bert := architecture{
		prefix: "bert.",
		names: names{
			layers: "encoder.layer.",
			query:  "attention.self.query", key: "attention.self.key", value: "attention.self.value",
			output: "attention.output.dense", attentionNorm: "attention.output.LayerNorm",
			grow: "intermediate.dense", shrink: "output.dense", outputNorm: "output.LayerNorm",
		},
		head:       [2]headLayer{{"pooler.dense", "tanh"}, {"classifier", "identity"}},
		tokenTypes: true,
		segments:   true,
	}
	roberta := bert
	roberta.prefix, roberta.segments, roberta.offset = "roberta.", false, true
	roberta.head = [2]headLayer{{"classifier.dense", "tanh"}, {"classifier.out_proj", "identity"}}

	mpnet := roberta
	mpnet.prefix, mpnet.tokenTypes, mpnet.relative = "mpnet.", false, true
	mpnet.names.query, mpnet.names.key, mpnet.names.value = "attention.attn.q", "attention.attn.k", "attention.attn.v"
	mpnet.names.output, mpnet.names.attentionNorm = "attention.attn.o", "attention.LayerNorm"

	distilbert := architecture{
		prefix: "distilbert.",
		aliases: map[string]string{
			"dim": "hidden_size", "hidden_dim": "intermediate_size", "n_heads": "num_attention_heads", "n_layers": "num_hidden_layers",
			"activation": "hidden_act",
		},
		names: names{
			layers: "transformer.layer.",
			query:  "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
			output: "attention.out_lin", attentionNorm: "sa_layer_norm",
			grow: "ffn.lin1", shrink: "ffn.lin2", outputNorm: "output_layer_norm",
		},
		head: [2]headLayer{{"pre_classifier", "relu"}, {"classifier", "identity"}},
	}
	return map[string]architecture{
		"bert": bert, "roberta": roberta, "xlm-roberta": roberta, "camembert": roberta, "mpnet": mpnet, "distilbert": distilbert,
	}
}

func architectureOf(modelType string) (architecture, error) {
	all := architectures()
	a, ok := all[modelType]
	if !ok {
		return a, fmt.Errorf("model_type %.100q is not supported; these are: %q", modelType, slices.Sorted(maps.Keys(all)))
	}
	return a, nil
}
