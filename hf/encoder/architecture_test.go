package encoder

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"searchd/hf/safetensors"
)

// folder is one of the small models of all architectures, with what the reference makes of some inputs.
type folder struct {
	name   string
	config Config
	file   *safetensors.File
	golden *safetensors.File
}

func openFolder(t testing.TB, name string) folder {
	t.Helper()
	dir := path.Join(fixtures, "models", name)
	b, err := os.ReadFile(path.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := ParseConfig(b)
	if err != nil {
		t.Fatal(err)
	}
	return folder{name, config, openFile(t, path.Join(dir, "model.safetensors")), openFile(t, path.Join(dir, "golden.safetensors"))}
}

func openFile(t testing.TB, name string) *safetensors.File {
	t.Helper()
	file, err := safetensors.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func folders(t testing.TB) []folder {
	t.Helper()
	entries, err := os.ReadDir(path.Join(fixtures, "models"))
	if err != nil {
		t.Fatal(err)
	}
	var all []folder
	for _, e := range entries {
		all = append(all, openFolder(t, e.Name()))
	}
	if len(all) < 12 {
		t.Fatalf("only %d models", len(all))
	}
	return all
}

// batch has the inputs as the reference tokenised them.
func (f folder) batch(t testing.TB) *Batch {
	b := &Batch{}
	for n := range tinyTexts(t, f.golden) {
		f.add(t, b, n)
	}
	return b
}

func (f folder) add(t testing.TB, b *Batch, n int) {
	for _, id := range floats(t, f.golden, fmt.Sprintf("ids.%d", n)) {
		b.IDs = append(b.IDs, int32(id))
	}
	second := 0
	if name := fmt.Sprintf("second.%d", n); f.golden.Has(name) {
		second = int(floats(t, f.golden, name)[0])
	}
	b.ClosePair(second)
}

// output is what the model's folder says that is made of the states, as the fixtures' script has it.
func (f folder) output(t testing.TB) Output {
	switch f.name {
	case "bert":
		return Output{Pooling: CLS}
	case "bert-plain":
		return Output{}
	case "mpnet", "xlm-roberta":
		return Output{Normalize: true}
	case "roberta":
		return Output{Pooling: Last}
	case "distilbert":
		d, err := NewDense(openFile(t, fixtures+"models/distilbert/2_Dense/model.safetensors"), "linear", 64, 20, true, "tanh")
		if err != nil {
			t.Fatal(err)
		}
		return Output{Pooling: Max, Dense: []*Dense{d}, Normalize: true}
	}
	head, err := Head(f.config, f.file)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// squash turns logits into what the reference's classifiers answer.
func (f folder) squash(logits []float32) {
	sum, sigmoid := 0.0, f.config.ProblemType == "multi_label_classification"
	for i, v := range logits {
		if sigmoid {
			logits[i] = float32(1 / (1 + math.Exp(-float64(v))))
		}
		sum += math.Exp(float64(v))
	}
	for i, v := range logits {
		if !sigmoid {
			logits[i] = float32(math.Exp(float64(v)) / sum)
		}
	}
}

// furthest is the largest difference between two lists.
func furthest(t testing.TB, got, want []float32) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, not %d", len(got), len(want))
	}
	worst := 0.0
	for i, v := range got {
		if off := math.Abs(float64(v - want[i])); !(off <= worst) {
			worst = off
		}
	}
	return worst
}

// Every architecture agrees with the reference, layer by layer and in what it makes of the last one.
func TestArchitectures(t *testing.T) {
	for _, f := range folders(t) {
		t.Run(f.name, func(t *testing.T) {
			eachLevel(t, func(t *testing.T) { testArchitecture(t, f) })
		})
	}
}

func testArchitecture(t *testing.T, f folder) {
	m, err := New(f.config, f.file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ws, batch := m.NewWorkspace(), f.batch(t)
	compared, worst := 0, 0.0
	err = m.Forward(ws, batch, func(layer int) {
		begin := 0
		for n, end := range batch.Ends {
			if name := fmt.Sprintf("state.%d.%d", n, layer); f.golden.Has(name) {
				var got []float32
				for i := begin; i < end; i++ {
					got = append(got, ws.Row(i)...)
				}
				worst = max(worst, distance(t, m, got, floats(t, f.golden, name)))
				compared++
			}
			begin = end
		}
	})
	if err != nil || compared != 2*(f.config.Layers+1) || !(worst < near(m, 5e-5, 0.03)) {
		t.Errorf("%v; of %d states the furthest is %.2g away", err, compared, worst)
	}
	out := f.output(t)
	d := out.Dimensions(m)
	got := make([]float32, len(batch.Ends)*d)
	if err := m.Encode(ws, batch, out, got); err != nil {
		t.Fatal(err)
	}
	for n := range batch.Ends {
		vector := got[n*d:][:d]
		if strings.HasSuffix(f.name, "classifier") {
			f.squash(vector)
		}
		if off := distance(t, m, vector, floats(t, f.golden, fmt.Sprintf("out.%d", n))); !(off < near(m, 2e-5, 0.1)) {
			t.Errorf("input %d: %.2g away", n, off)
		}
	}
}

// A text has the same outcome alone and in a batch, whatever the architecture and whoever computes it.
func TestArchitecturesAlone(t *testing.T) { eachLevel(t, testArchitecturesAlone) }

func testArchitecturesAlone(t *testing.T) {
	for _, f := range folders(t) {
		m, err := New(f.config, f.file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, ws, batch := f.output(t), m.NewWorkspace(), f.batch(t)
		d := out.Dimensions(m)
		together, alone := make([]float32, len(batch.Ends)*d), make([]float32, d)
		if err := m.Encode(ws, batch, out, together); err != nil {
			t.Fatal(err)
		}
		for n := range batch.Ends {
			var one Batch
			f.add(t, &one, n)
			ws.Threads = n % 3
			if err := m.Encode(ws, &one, out, alone); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(alone, together[n*d:][:d]) {
				t.Errorf("%s: input %d differs alone and in company", f.name, n)
			}
		}
	}
}

// Distances fall into the reference's buckets, and a far text reads the value of the last one.
func TestBuckets(t *testing.T) {
	want := floats(t, openFolder(t, "mpnet").golden, "buckets")
	for i, b := range want {
		if got := bucket(i - len(want)/2); got != int(b) {
			t.Errorf("distance %d: bucket %d, not %v", i-len(want)/2, got, b)
		}
	}
	table := make([]float32, relativeBuckets*2)
	for i := range table {
		table[i] = float32(i)
	}
	bias := newRelativeBias(table, 2, 300, 0.5)
	scores := make([]float32, 290)
	bias.add(scores, 1, 280)
	for key, got := range scores {
		if want := float32(bucket(key-280)*2+1) / 2; got != want {
			t.Errorf("key %d: %v, not %v", key, got, want)
		}
	}
}

// The int8 form of every architecture is read, with its head, and stays near the original.
func TestQuantizeArchitectures(t *testing.T) {
	for _, f := range folders(t) {
		m, err := New(f.config, f.file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		small := f
		small.file = quantised(t, f.config, f.file)
		q, err := New(f.config, small.file, Options{})
		if err != nil {
			t.Fatal(f.name, err)
		}
		if q.Precision() != "int8" || q.Parameters() != m.Parameters() {
			t.Errorf("%s: %s, %d parameters", f.name, q.Precision(), q.Parameters())
		}
		out, batch := f.output(t), f.batch(t)
		d := out.Dimensions(m)
		a, b := make([]float32, len(batch.Ends)*d), make([]float32, len(batch.Ends)*d)
		if err := m.Encode(m.NewWorkspace(), batch, out, a); err != nil {
			t.Fatal(err)
		}
		if err := q.Encode(q.NewWorkspace(), batch, small.output(t), b); err != nil {
			t.Fatal(err)
		}
		if off := furthest(t, a, b); !(off > 0 && off < 0.3) {
			t.Errorf("%s: the int8 form is %v away", f.name, off)
		}
	}
}

// The oldest checkpoints call the weights of a norm gamma and beta.
func TestOldNormNames(t *testing.T) {
	config, file := tiny(t)
	old := rewrite(t, file, nil, func(tensor safetensors.Tensor) []safetensors.Tensor {
		if strings.Contains(tensor.Name, "LayerNorm.") {
			tensor.Name = strings.NewReplacer("Norm.weight", "Norm.gamma", "Norm.bias", "Norm.beta").Replace(tensor.Name)
		}
		return []safetensors.Tensor{tensor}
	})
	if old.Has("bert.embeddings.LayerNorm.weight") {
		t.Fatal("nothing renamed")
	}
	want, err := New(config, file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := New(config, old, Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := batchOf(tinyTexts(t, file)...)
	a, b := make([]float32, len(text.Ends)*40), make([]float32, len(text.Ends)*40)
	if err := want.Encode(want.NewWorkspace(), text, Output{}, a); err != nil {
		t.Fatal(err)
	}
	if err := got.Encode(got.NewWorkspace(), text, Output{}, b); err != nil || !slices.Equal(a, b) {
		t.Error("differs, or", err)
	}
}

// What is wrong with a model of another architecture is named as well.
func TestArchitectureRefuses(t *testing.T) {
	roberta, bert, distilbert := openFolder(t, "roberta"), openFolder(t, "bert-classifier"), openFolder(t, "distilbert")
	wrong := roberta.config
	wrong.ModelType = "mpnet"
	if _, err := New(wrong, roberta.file, Options{}); err == nil || !strings.Contains(err.Error(), `"encoder.layer.0.attention.attn.q.weight" is missing`) {
		t.Error("RoBERTa's weights as MPNet's:", err)
	}
	if _, err := Head(roberta.config, roberta.file); err == nil || !strings.Contains(err.Error(), `"classifier.dense.weight" is missing`) {
		t.Error("no head:", err)
	}
	bert.config.Labels = map[string]string{"0": "a", "1": "b"}
	if _, err := Head(bert.config, bert.file); err == nil || !strings.Contains(err.Error(), `"classifier.weight" has shape [3 32]; config.json asks for [2 32]`) {
		t.Error("another number of classes:", err)
	}
	out := distilbert.output(t)
	m, err := New(roberta.config, roberta.file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Encode(m.NewWorkspace(), batchOf([]int32{0, 2}), out, make([]float32, 20)); err == nil || !strings.Contains(err.Error(), "dense layer 0 takes 64 values, but gets 40") {
		t.Error("a layer of another width:", err)
	}
	if _, err := NewDense(distilbert.file, "transformer.layer.0.ffn.lin1", 64, 40, true, "softmax"); err == nil || !strings.Contains(err.Error(), `"softmax" is not supported`) {
		t.Error("unknown activation:", err)
	}
	without, err := NewDense(distilbert.file, "transformer.layer.0.ffn.lin1", 64, 40, false, "relu")
	if err != nil || without.parameters != 64*40 {
		t.Errorf("without bias: %+v, %v", without, err)
	}
	if c := roberta.config; c.MaxTokens() != 128 {
		t.Errorf("%d positions are of use; the first two belong to padding", c.MaxTokens())
	}
}

// Weights that make NaN, or overflow, are an error, not a vector.
func TestNotFinite(t *testing.T) {
	config, file := tiny(t)
	for _, value := range []float32{float32(math.NaN()), float32(math.Inf(1)), math.MaxFloat32} {
		broken := rewrite(t, file, nil, func(tensor safetensors.Tensor) []safetensors.Tensor {
			if tensor.Name == "bert.encoder.layer.2.output.LayerNorm.weight" {
				values := make([]float32, 40)
				values[3] = value
				tensor = safetensors.NewFloat32(tensor.Name, tensor.Shape, values)
			}
			return []safetensors.Tensor{tensor}
		})
		m, err := New(config, broken, Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = m.Encode(m.NewWorkspace(), batchOf(tinyTexts(t, file)...), Output{}, make([]float32, 40*len(tinyTexts(t, file))))
		if !errors.Is(err, ErrNotFinite) {
			t.Errorf("%v: %v", value, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, model := range folders(f) {
		b, err := os.ReadFile(path.Join(fixtures, "models", model.name, "config.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"model_type":"roberta","pad_token_id":-9223372036854775808,"id2label":{"0":null}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseConfig(b)
		if err != nil {
			return
		}
		if c.MaxTokens() < 1 || c.MaxTokens() > c.Positions || c.headSize() < 1 || len(c.Classes()) > maxClasses {
			t.Errorf("accepted %+v", c)
		}
	})
}

// Every weight of every architecture is read: one that is missing is missed by its name.
func TestEveryWeightIsRead(t *testing.T) {
	for _, f := range folders(t) {
		for _, name := range f.file.Names() {
			if strings.HasPrefix(name, "pooler.") && f.config.Classes() == nil || strings.HasSuffix(name, "position_ids") {
				continue // not used without a classifier above it; not a weight
			}
			broken := f
			broken.file = rewrite(t, f.file, nil, func(tensor safetensors.Tensor) []safetensors.Tensor {
				if tensor.Name == name {
					return nil
				}
				return []safetensors.Tensor{tensor}
			})
			_, err := New(f.config, broken.file, Options{})
			if err == nil && f.config.Classes() != nil {
				_, err = Head(f.config, broken.file)
			}
			if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(name, architectures()[f.config.ModelType].prefix)) {
				t.Errorf("%s without %s: %v", f.name, name, err)
			}
		}
	}
}
