package encoder

import (
	"bytes"
	"strings"
	"testing"

	"searchd/hf/safetensors"
)

func TestEncodeRefuses(t *testing.T) {
	m, _ := tinyModel(t)
	other, _ := tinyModel(t)
	long := make([]int32, m.Config().Positions+1)
	tests := []struct {
		name  string
		batch *Batch
		want  string
	}{
		{"empty text", &Batch{IDs: []int32{1}, Ends: []int{0, 1}}, "text 0 has tokens 0 to 0"},
		{"too long", batchOf(long), "text 0 has tokens 0 to 71 of 71; it needs from 1 to 70"},
		{"end beyond", &Batch{IDs: []int32{1}, Ends: []int{2}}, "text 0 has tokens 0 to 2 of 1"},
		{"ends fall", &Batch{IDs: []int32{1, 2}, Ends: []int{2, 1}}, "text 1"},
		{"tokens left over", &Batch{IDs: []int32{1, 2}, Ends: []int{1}}, "1 tokens after the last text"},
		{"negative id", batchOf([]int32{1, -1}), "token 1 has id -1"},
		{"id too large", batchOf([]int32{61}), "token 0 has id 61; the vocabulary ends at 60"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dst := make([]float32, len(test.batch.Ends)*m.Dimensions())
			err := m.Encode(m.NewWorkspace(), test.batch, Output{}, dst)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want one with %q", err, test.want)
			}
		})
	}
	good := batchOf([]int32{1})
	if err := m.Encode(m.NewWorkspace(), good, Output{}, nil); err == nil || !strings.Contains(err.Error(), "dst has 0") {
		t.Error("dst too short:", err)
	}
	if err := m.Encode(other.NewWorkspace(), good, Output{}, make([]float32, 40)); err == nil || !strings.Contains(err.Error(), "another model") {
		t.Error("foreign workspace:", err)
	}
	if err := m.Encode(m.NewWorkspace(), good, Output{Pooling: 9}, make([]float32, 40)); err == nil || !strings.Contains(err.Error(), "Pooling(9)") {
		t.Error("unknown pooling:", err)
	}
	if err := m.Encode(m.NewWorkspace(), &Batch{}, Output{}, nil); err != nil {
		t.Error("empty batch:", err)
	}
}

// rewrite copies a file with its tensors and metadata changed.
func rewrite(t *testing.T, file *safetensors.File, metadata map[string]string, change func(safetensors.Tensor) []safetensors.Tensor) *safetensors.File {
	t.Helper()
	var tensors []safetensors.Tensor
	for _, name := range file.Names() {
		tensor, err := file.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, change(tensor)...)
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Every weight, left out or of another shape or type, is missed by its name.
func TestNewNamesTheTensor(t *testing.T) {
	config, plain := tiny(t)
	quantised := quantised(t, config, plain)
	for _, file := range []*safetensors.File{plain, quantised} {
		metadata := map[string]string{metaFormat: file.Metadata(metaFormat), metaGroup: file.Metadata(metaGroup)}
		for _, name := range file.Names() {
			if strings.HasPrefix(name, "ids.") || strings.HasPrefix(name, "state.") {
				continue
			}
			for what, made := range map[string][]safetensors.Tensor{
				"missing":    nil,
				"misshapen":  {safetensors.NewFloat32(name, []int{3, 1}, []float32{1, 2, 3})},
				"of bytes":   {bytesLike(t, file, name)},
				"of nothing": {safetensors.NewFloat32(name, []int{0}, nil)},
			} {
				if tensor, _ := file.Tensor(name); what == "of bytes" && tensor.DType == safetensors.I8 {
					continue
				}
				broken := rewrite(t, file, metadata, func(tensor safetensors.Tensor) []safetensors.Tensor {
					if tensor.Name == name {
						return made
					}
					return []safetensors.Tensor{tensor}
				})
				_, err := New(config, broken, Options{})
				if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(name, "bert.")) {
					t.Errorf("%s %s: %v", name, what, err)
				}
			}
		}
	}
}

// bytesLike is an int8 tensor of the same name and shape, without scales.
func bytesLike(t *testing.T, file *safetensors.File, name string) safetensors.Tensor {
	t.Helper()
	tensor, err := file.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	return safetensors.NewInt8(name, tensor.Shape, make([]int8, tensor.Len()))
}

func TestParseConfig(t *testing.T) {
	const good = `"vocab_size":10,"max_position_embeddings":5,"hidden_size":8,"intermediate_size":16,"num_attention_heads":2,"num_hidden_layers":1`
	c, err := ParseConfig([]byte(`{` + good + `,"use_cache":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.ModelType != "bert" || c.TokenTypes != 2 || c.Epsilon != 1e-12 || c.Hidden != 8 {
		t.Errorf("%+v", c)
	}
	tests := []struct{ json, want string }{
		{`{`, "config.json"},
		{`[]`, "config.json"},
		{`{}`, "vocab_size is 0"},
		{`{` + good + `,"hidden_size":1000000}`, "hidden_size is 1000000; it must lie between 1 and"},
		{`{` + good + `,"num_hidden_layers":-1}`, "num_hidden_layers is -1"},
		{`{` + good + `,"num_attention_heads":3}`, "hidden_size 8 is not a multiple of num_attention_heads 3"},
		{`{` + good + `,"hidden_act":"swish"}`, `hidden_act: activation "swish" is not supported`},
		{`{` + good + `,"model_type":"gpt2"}`, `model_type "gpt2" is not supported; these are: ["bert" "camembert" "distilbert" "mpnet" "roberta" "xlm-roberta"]`},
		{`{` + good + `,"position_embedding_type":"relative_key"}`, "position_embedding_type"},
		{`{` + good + `,"layer_norm_eps":-1}`, "layer_norm_eps"},
	}
	for _, test := range tests {
		if _, err := ParseConfig([]byte(test.json)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want one with %q", test.json, err, test.want)
		}
	}
}
